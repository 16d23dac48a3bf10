package agent_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"detour/internal/agent"
)

func TestAskTellsWhatAnAgentWouldBeGiven(t *testing.T) {
	r := newRig(t)
	if m, err := agent.Ask(t.Context(), r.cfg); m != nil || err != nil {
		t.Errorf("before the first version: %+v, %v", m, err)
	}
	r.append(r.version(3))
	var version int64
	for version == 0 { // until the server has read it
		m, err := agent.Ask(t.Context(), r.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if m != nil {
			version = m.Version
		}
	}
	if version != 1 {
		t.Errorf("version %d", version)
	}
	other, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(other)
	if err != nil {
		t.Fatal(err)
	}
	distrustful := r.cfg
	distrustful.PublicKeyFile = filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(distrustful.PublicKeyFile, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := agent.Ask(t.Context(), distrustful); err == nil || errors.As(err, new(*url.Error)) {
		t.Errorf("signed by another key: %v", err)
	}
	r.kill()
	if _, err := agent.Ask(t.Context(), r.cfg); !errors.As(err, new(*url.Error)) {
		t.Errorf("nobody there: %v", err)
	}
}
