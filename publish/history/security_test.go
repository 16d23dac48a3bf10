package history

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/embedded/chserver"
	"detour/internal/tlsfiles"
	"detour/internal/tlsfiles/tlstest"
)

// secured is ClickHouse behind TLS, which lets in who has the password; "" is everybody.
type secured struct {
	ca       *tlstest.Authority
	password atomic.Pointer[string]
}

func newSecured(t *testing.T, password string) *secured {
	s := &secured{ca: tlstest.NewAuthority(t, "ClickHouse CA")}
	s.password.Store(&password)
	return s
}

// front returns the address of one that stands before the server at behind and asks for clients' certificates.
func (s *secured) front(t *testing.T, behind string) string {
	t.Helper()
	var server tlsfiles.Server
	server.CertFile, server.KeyFile = s.ca.Issue(t, tlstest.Leaf{Name: "clickhouse", Hosts: []string{"127.0.0.1"}})
	server.ClientCAFile = s.ca.File
	config, err := server.Load()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: behind})
	transport := &http.Transport{}
	proxy.Transport = transport
	guard := chserver.New(chserver.Config{User: "writer", Password: "nobody has it"}, zerolog.Nop())
	f := &httptest.Server{Listener: tls.NewListener(l, config), Config: &http.Server{
		ErrorLog: log.New(io.Discard, "", 0), // handshakes that fail are wanted
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if want := *s.password.Load(); want != "" && r.Header.Get("X-ClickHouse-Key") != want {
				guard.ServeHTTP(w, r)
				return
			}
			proxy.ServeHTTP(w, r)
		}),
	}}
	f.Start()
	t.Cleanup(func() { f.Close(); transport.CloseIdleConnections() })
	return l.Addr().String()
}

// client returns the settings of one whom the front knows.
func (s *secured) client(t *testing.T) tlsfiles.Client {
	t.Helper()
	c := tlsfiles.Client{Enabled: true, CAFile: s.ca.File}
	c.CertFile, c.KeyFile = s.ca.Issue(t, tlstest.Leaf{Name: "detour-publish"})
	return c
}

func TestCertificatesOfBothSides(t *testing.T) {
	s := newSecured(t, "")
	good := testStore(t, zerolog.Nop(), func(c *Config) {
		c.Addr, c.TLS = []string{s.front(t, c.Addr[0])}, s.client(t)
	})
	if err := good.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := scan[uint64](t, good, "SELECT count() FROM schema_migrations"); n == 0 {
		t.Error("no migration")
	}
	addr := s.front(t, "127.0.0.1:1") // nobody gets as far
	other := tlstest.NewAuthority(t, "Other CA")
	for name, c := range map[string]struct {
		change func(*tlsfiles.Client)
		want   string
	}{
		"unknown authority": {func(c *tlsfiles.Client) { c.CAFile = other.File }, "tls.ca_file has to hold the certificate of the authority that signed the server's (CN=ClickHouse CA)"},
		"wrong name":        {func(c *tlsfiles.Client) { c.ServerName = "elsewhere.example" }, "connect by a name that the server's certificate has (127.0.0.1), or set tls.server_name"},
		"no certificate":    {func(c *tlsfiles.Client) { c.CertFile, c.KeyFile = "", "" }, "see tls.cert_file and tls.key_file"},
		"a stranger's": {func(c *tlsfiles.Client) {
			c.CertFile, c.KeyFile = other.Issue(t, tlstest.Leaf{Name: "eve"})
		}, "see tls.cert_file and tls.key_file"},
	} {
		for _, protocol := range []string{HTTP, Native} {
			cfg := Default()
			cfg.Addr, cfg.Protocol, cfg.TLS = []string{addr}, protocol, s.client(t)
			c.change(&cfg.TLS)
			store, err := Connect(cfg, zerolog.Nop())
			if err != nil {
				t.Fatal(err)
			}
			err = store.Migrate(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), "clickhouse: "+addr+": ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s over %s: %v", name, protocol, err)
			}
			_ = store.Close()
		}
	}
}

// A password is changed in ClickHouse first, then in the file: what is to be stored waits in between.
func TestAChangedPasswordNeedsNoRestart(t *testing.T) {
	s := newSecured(t, "first")
	file := filepath.Join(t.TempDir(), "password")
	set := func(password string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set("first")
	var lines logged
	store := testStore(t, zerolog.New(&lines), func(c *Config) {
		c.Addr, c.TLS = []string{s.front(t, c.Addr[0])}, s.client(t)
		c.Username, c.PasswordFile = "writer", file
	})
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := newPipeline(t, 8)
	p.minutes(0, 2, 5)
	second, changed := "second", false
	s.password.Store(&second)
	h := p.history(store, &soloGroup{log: p.log})
	runUntil(t, h, func() bool {
		if !changed && lines.count("does not let user") > 0 {
			set(second)
			changed = true
		}
		return changed && caughtUp(t, h)()
	})
	p.verify(store)
}
