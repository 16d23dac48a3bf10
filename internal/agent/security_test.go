package agent_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/agent"
	"detour/internal/tlsfiles"
	"detour/internal/tlsfiles/tlstest"
	"detour/publish/fleet"
)

// publicKeys writes keys into one file, behind one another.
func publicKeys(t *testing.T, keys ...ed25519.PublicKey) string {
	t.Helper()
	var all []byte
	for _, key := range keys {
		der, err := x509.MarshalPKIXPublicKey(key)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	path := filepath.Join(t.TempDir(), "public.pem")
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The key that signs is changed: agents learn the new one first, then the publisher signs with it, then the old one goes.
func TestTheSigningKeyIsChanged(t *testing.T) {
	r := newRig(t)
	old := r.public
	r.publish(3)
	next, nextKey, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	r.cfg.PublicKeyFile = publicKeys(t, old, next)
	p := r.pullWith(agent.Deps{Paths: paths})
	p.serves(1, 3)
	r.key = nextKey
	r.publish(4)
	p.serves(2, 4)
	p.stop()

	r.cfg.PublicKeyFile = publicKeys(t, next)
	p = r.pullWith(agent.Deps{Paths: paths})
	p.serves(2, 4)
	_, r.key, err = ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	r.publish(5)
	p.await("refused", 1)
	p.serves(2, 4)
}

func TestTheFleetOverTLS(t *testing.T) {
	ca, other := tlstest.NewAuthority(t, "Fleet CA"), tlstest.NewAuthority(t, "Other CA")
	r := newRig(t)
	r.publish(3)
	cfg := fleet.Default()
	cfg.TLS.CertFile, cfg.TLS.KeyFile = ca.Issue(t, tlstest.Leaf{Name: "publish", Hosts: []string{"127.0.0.1"}})
	cfg.TLS.ClientCAFile = ca.File
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	store := fleet.NewStore(r.log, zerolog.Nop())
	var running sync.WaitGroup
	running.Go(func() { _ = store.Follow(ctx) })
	running.Go(func() {
		if err := fleet.New(cfg, store, zerolog.Nop()).Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })

	r.cfg.URL = "https://" + l.Addr().String()
	known := tlsfiles.Client{Enabled: true, CAFile: ca.File}
	known.CertFile, known.KeyFile = ca.Issue(t, tlstest.Leaf{Name: "dns"})
	unknown, anonymous := known, known
	unknown.CAFile = other.File
	anonymous.CertFile, anonymous.KeyFile = "", ""
	for says, client := range map[string]tlsfiles.Client{
		"tls.ca_file has to hold":               unknown,
		"the server wants a client certificate": anonymous,
		`"version":1,"entries":3`:               known,
	} {
		r.cfg.TLS, r.cfg.CacheFile = client, ""
		p := r.pull()
		p.await(says, 1)
		p.stop()
	}
}
