package kafkalog

import (
	"crypto/tls"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.yaml.in/yaml/v3"

	"detour/internal/tlsfiles"
)

func TestConfigNamesTheKey(t *testing.T) {
	t.Parallel()
	if err := Default().Validate(); err != nil {
		t.Fatal(err)
	}
	for key, text := range map[string]string{
		"brokers":            "brokers: []",
		"brokers[1]":         "brokers: ['a:1', b]",
		"tls.cert_file":      "tls: {enabled: true, key_file: k}",
		"tls.enabled":        "tls: {ca_file: c}",
		"sasl.mechanism":     "sasl: {mechanism: gssapi}",
		"sasl.username":      "sasl: {mechanism: plain, password_file: p}",
		"sasl.password_file": "sasl: {mechanism: plain, username: u}",
		"replication":        "replication: -1",
		"fetch_max_wait":     "fetch_max_wait: 1m",
		"fetch_max_bytes":    "fetch_max_bytes: 1",
		"compression":        "compression: brotli",
		"session_timeout":    "session_timeout: 1ms",
	} {
		cfg := Default()
		decoder := yaml.NewDecoder(strings.NewReader(text))
		decoder.KnownFields(true)
		if err := decoder.Decode(&cfg); err != nil {
			t.Fatal(err)
		}
		err := cfg.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), key+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// write puts content into a file of the test's own.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSecureConnections: TLS and each SASL mechanism, for requests and for groups; and what a mistake looks like.
func TestSecureConnections(t *testing.T) {
	t.Parallel()
	https := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(https.Close)
	cluster, addr := broker(t, kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "ann", "a"), kfake.Superuser("SCRAM-SHA-256", "bob", "b"), kfake.Superuser("SCRAM-SHA-512", "cy", "c"),
		kfake.TLS(&tls.Config{Certificates: https.TLS.Certificates}))
	ca := write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: https.Certificate().Raw})))
	secure := func(mechanism, user, password string) Config {
		cfg := testConfig(addr)
		cfg.TLS = tlsfiles.Client{Enabled: true, CAFile: ca}
		cfg.SASL = SASL{Mechanism: mechanism, Username: user, PasswordFile: write(t, "password", password)}
		return cfg
	}
	for _, cfg := range []Config{secure("plain", "ann", "a\n"), secure("scram-sha-256", "bob", "b"), secure("scram-sha-512", "cy", "c")} {
		c := client(t, cfg, uniqueNames(), 1)
		if _, err := c.Append(bounded(t), p0, one("v")); err != nil {
			t.Errorf("%s: %v", cfg.SASL.Mechanism, err)
		}
		groupOnce(t, c)
	}
	// kfake hangs up on a wrong password; brokers say what is wrong.
	cluster.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		res := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		res.ErrorCode = kerr.SaslAuthenticationFailed.Code
		return res, nil, true
	})
	wrongPassword := secure("plain", "ann", "x")
	unknownCA := secure("plain", "ann", "a")
	unknownCA.TLS.CAFile = ""
	for want, cfg := range map[string]Config{"SASL": wrongPassword, "unknown authority": unknownCA} {
		c := client(t, cfg, uniqueNames(), 0)
		if err := c.WaitReady(bounded(t)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), addr) {
			t.Errorf("want %s: %v", want, err)
		}
	}
	for want, cfg := range map[string]Config{
		"sasl.password_file": secure("plain", "ann", ""),
		"tls.ca_file":        func() Config { c := secure("plain", "ann", "a"); c.TLS.CAFile = c.SASL.PasswordFile; return c }(),
		"tls.cert_file":      func() Config { c := secure("plain", "ann", "a"); c.TLS.CertFile, c.TLS.KeyFile = ca, ca; return c }(),
	} {
		if _, err := New(cfg, uniqueNames(), zerolog.Nop()); err == nil || !strings.HasPrefix(err.Error(), want+": ") {
			t.Errorf("want %s: %v", want, err)
		}
	}
}
