package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"detour/internal/tlsfiles/tlstest"
)

// meet lets a client and a server shake hands, and returns what the client's first request comes to.
func meet(t *testing.T, s Server, c Client) (*x509.Certificate, error) {
	t.Helper()
	config, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if config != nil {
		l = tls.NewListener(l, config)
	}
	go func() {
		conn, err := l.Accept()
		if err == nil {
			_, _ = conn.Write([]byte("plain text\n")) // after the handshake, where there is one
			_ = conn.Close()
		}
	}()
	clientConfig, err := c.Load()
	if err != nil {
		return nil, err
	}
	conn, err := tls.Dial("tcp", l.Addr().String(), clientConfig)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err = conn.Read(make([]byte, 1)); err != nil { // TLS 1.3 tells of a refusal only here
		return nil, err
	}
	return conn.ConnectionState().PeerCertificates[0], nil
}

func TestAHandshakeThatFailsSaysWhatToDo(t *testing.T) {
	ca, other := tlstest.NewAuthority(t, "Fleet CA"), tlstest.NewAuthority(t, "Other CA")
	server := func(leaf tlstest.Leaf) (s Server) {
		s.CertFile, s.KeyFile = ca.Issue(t, leaf)
		return s
	}
	good := server(tlstest.Leaf{Name: "s", Hosts: []string{"127.0.0.1", "kafka.example"}})
	mutual := good
	mutual.ClientCAFile = ca.File
	client := Client{Enabled: true, CAFile: ca.File}
	known, stranger, late := client, client, client
	known.CertFile, known.KeyFile = ca.Issue(t, tlstest.Leaf{Name: "ann"})
	stranger.CertFile, stranger.KeyFile = other.Issue(t, tlstest.Leaf{Name: "ann"})
	late.CertFile, late.KeyFile = ca.Issue(t, tlstest.Leaf{Name: "ann", Expired: true})
	for _, c := range []struct {
		name   string
		server Server
		client Client
		advice string // "" = they meet
	}{
		{"one side", good, client, ""},
		{"both sides", mutual, known, ""},
		{"by another name", good, Client{Enabled: true, CAFile: ca.File, ServerName: "kafka.example"}, ""},
		{"unknown authority", good, Client{Enabled: true, CAFile: other.File}, "tls.ca_file has to hold the certificate of the authority that signed the server's"},
		{"wrong name", good, Client{Enabled: true, CAFile: ca.File, ServerName: "elsewhere.example"}, "(kafka.example, 127.0.0.1), or set tls.server_name"},
		{"expired", server(tlstest.Leaf{Name: "s", Hosts: []string{"127.0.0.1"}, Expired: true}), client, "renew the server's certificate"},
		{"a client's certificate", server(tlstest.Leaf{Name: "127.0.0.1"}), client, "(it has none)"},
		{"no TLS", Server{}, client, "name its TLS port, or set tls.enabled to false"},
		{"no client certificate", mutual, client, "see tls.cert_file and tls.key_file"},
		{"a stranger's certificate", mutual, stranger, "see tls.cert_file and tls.key_file"},
		{"an expired client certificate", mutual, late, "see tls.cert_file and tls.key_file"},
	} {
		_, err := meet(t, c.server, c.client)
		if advice := Advice(err); (err == nil) != (c.advice == "") || !strings.Contains(advice, c.advice) {
			t.Errorf("%s: %v, advice %q", c.name, err, advice)
		}
	}
	if a := Advice(errors.New("something else")); a != "" {
		t.Error(a)
	}
}

// move puts a certificate in the place of another one.
func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestARenewedCertificateIsShownFromTheNextConnectionOn(t *testing.T) {
	ca := tlstest.NewAuthority(t, "CA")
	cert, key := ca.Issue(t, tlstest.Leaf{Name: "old", Hosts: []string{"127.0.0.1"}})
	for _, side := range []struct {
		name  string
		shown func() string
	}{
		{"server", shownBy(t, Server{CertFile: cert, KeyFile: key}.serverSide(t))},
		{"client", shownBy(t, Client{Enabled: true, CertFile: cert, KeyFile: key}.clientSide(t))},
	} {
		cert2, key2 := ca.Issue(t, tlstest.Leaf{Name: "new of " + side.name, Hosts: []string{"127.0.0.1"}})
		before := side.shown()
		move(t, cert2, cert)
		if between := side.shown(); between != before {
			t.Errorf("%s: with half of the files renewed it shows %q, not %q", side.name, between, before)
		}
		move(t, key2, key)
		if after := side.shown(); after != "new of "+side.name || before == after {
			t.Errorf("%s: it shows %q, before %q", side.name, after, before)
		}
	}
}

func (s Server) serverSide(t *testing.T) func() (*tls.Certificate, error) {
	config, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	return func() (*tls.Certificate, error) { return config.GetCertificate(nil) }
}

func (c Client) clientSide(t *testing.T) func() (*tls.Certificate, error) {
	config, err := c.Load()
	if err != nil {
		t.Fatal(err)
	}
	return func() (*tls.Certificate, error) { return config.GetClientCertificate(nil) }
}

func shownBy(t *testing.T, get func() (*tls.Certificate, error)) func() string {
	return func() string {
		t.Helper()
		c, err := get()
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.Subject.CommonName
	}
}

func TestWrongFilesAreNamedByTheirKey(t *testing.T) {
	ca := tlstest.NewAuthority(t, "CA")
	cert, key := ca.Issue(t, tlstest.Leaf{Name: "s", Hosts: []string{"127.0.0.1"}})
	_, otherKey := ca.Issue(t, tlstest.Leaf{Name: "t", Hosts: []string{"127.0.0.1"}})
	load := func(c interface{ Load() (*tls.Config, error) }) error { _, err := c.Load(); return err }
	for want, err := range map[string]error{
		"tls.ca_file: no certificate":        load(Client{Enabled: true, CAFile: key}),
		"tls.ca_file: open":                  load(Client{Enabled: true, CAFile: "gone.pem"}),
		"tls.cert_file: ":                    load(Client{Enabled: true, CertFile: cert, KeyFile: otherKey}),
		"tls.cert_file: and":                 Client{Enabled: true, CertFile: cert}.Validate(),
		"tls.enabled: ":                      Client{CAFile: "x"}.Validate(),
		"tls.cert_file: open":                load(Server{CertFile: "gone.pem", KeyFile: key}),
		"tls.client_ca_file: no certificate": load(Server{CertFile: cert, KeyFile: key, ClientCAFile: key}),
		"tls.cert_file and":                  Server{KeyFile: key}.Validate(),
		"tls.client_ca_file needs":           Server{ClientCAFile: "x"}.Validate(),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("want %s: %v", want, err)
		}
	}
}
