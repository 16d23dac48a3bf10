package kafkalog

import (
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/embedded/realkafka"
	"detour/internal/tlsfiles"
	"detour/internal/tlsfiles/tlstest"
)

// TestIntegrationMutualTLS: a broker and its clients know each other by certificates; what a mistake looks like; and that
// a certificate which runs out on the broker is waited for by those who were let in before.
func TestIntegrationMutualTLS(t *testing.T) {
	ca, other := tlstest.NewAuthority(t, "Kafka CA"), tlstest.NewAuthority(t, "Other CA")
	broker, shown := secured(t, ca, realkafka.Config{Protocol: "SSL", Properties: map[string]string{"ssl.client.auth": "required"}})
	with := func(change func(*tlsfiles.Client)) Config {
		cfg := testConfig(broker.Addrs()...)
		cfg.TLS = tlsfiles.Client{Enabled: true, CAFile: ca.File}
		cfg.TLS.CertFile, cfg.TLS.KeyFile = ca.Issue(t, tlstest.Leaf{Name: "detour-ingest"})
		if change != nil {
			change(&cfg.TLS)
		}
		return cfg
	}
	c := works(t, with(nil))

	unknown := refusal(t, with(func(c *tlsfiles.Client) { c.CAFile = other.File }))
	wants(t, "unknown authority", unknown, broker.Addrs()[0], "unknown authority", "tls.ca_file has to hold", "CN=Kafka CA")
	name := refusal(t, with(func(c *tlsfiles.Client) { c.ServerName = "kafka.example" }))
	wants(t, "wrong name", name, "connect by a name that the server's certificate has (localhost, 127.0.0.1)", "tls.server_name")
	anonymous := refusal(t, with(func(c *tlsfiles.Client) { c.CertFile, c.KeyFile = "", "" }))
	wants(t, "no certificate", anonymous, "the server wants a client certificate", "tls.cert_file")
	stranger := refusal(t, with(func(c *tlsfiles.Client) { c.CertFile, c.KeyFile = other.Issue(t, tlstest.Leaf{Name: "ann"}) }))
	wants(t, "a stranger's certificate", stranger, "the server wants a client certificate", "tls.cert_file")
	late := refusal(t, with(func(c *tlsfiles.Client) {
		c.CertFile, c.KeyFile = ca.Issue(t, tlstest.Leaf{Name: "ann", Expired: true})
	}))
	wants(t, "an expired client certificate", late, "the server wants a client certificate", "tls.cert_file")
	wants(t, "in the clear", waitsFor(t, testConfig(broker.Addrs()...)), "broker appears to expect TLS: set tls.enabled")
	clear := with(nil)
	clear.Brokers = broker.Internal()
	wants(t, "TLS to a listener without", waitsFor(t, clear), "connection closed by the broker", "tls.enabled")

	var log lines
	c.log = zerolog.New(&log)
	renew := func(leaf tlstest.Leaf) {
		t.Helper()
		if err := broker.Stop(0); err != nil {
			t.Fatal(err)
		}
		keystore(t, shown, ca, leaf)
		if err := broker.Restart(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	expired := localhost
	expired.Expired = true
	renew(expired)
	wants(t, "expired", refusal(t, with(nil)), "expired", "renew the server's certificate")
	appended := make(chan error, 1)
	go func() { _, err := c.Append(bounded(t), p0, one("w")); appended <- err }()
	eventually(t, "the log says why it waits", func() bool { return log.count("renew the server's certificate") > 0 })
	renew(localhost)
	if err := <-appended; err != nil {
		t.Error(err)
	}
}
