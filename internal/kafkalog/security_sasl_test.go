package kafkalog

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha512"
	"os"
	"testing"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"

	"detour/internal/dataflow"
	"detour/internal/embedded/realkafka"
	"detour/internal/tlsfiles"
	"detour/internal/tlsfiles/tlstest"
	"detour/schemas"
)

var users = map[string]string{"ann": "first", "bob": "b"}

// loggedIn returns the settings of a client with a password file of its own.
func loggedIn(t *testing.T, addrs []string, ca, mechanism, user, password string) Config {
	t.Helper()
	cfg := testConfig(addrs...)
	cfg.TLS = tlsfiles.Client{Enabled: true, CAFile: ca}
	cfg.SASL = SASL{Mechanism: mechanism, Username: user, PasswordFile: write(t, "password", password)}
	return cfg
}

// TestIntegrationSASL: every mechanism, over TLS, and what a mistake looks like.
func TestIntegrationSASL(t *testing.T) {
	ca := tlstest.NewAuthority(t, "Kafka CA")
	broker, _ := secured(t, ca, realkafka.Config{Protocol: "SASL_SSL", Users: users})
	as := func(mechanism, user, password string) Config {
		return loggedIn(t, broker.Addrs(), ca.File, mechanism, user, password)
	}
	for _, mechanism := range mechanisms {
		works(t, as(mechanism, "ann", "first\n"))
		for _, wrong := range []Config{as(mechanism, "ann", "second"), as(mechanism, "eve", "first")} {
			wants(t, mechanism, refusal(t, wrong), "SASL Authentication Failed", broker.Addrs()[0],
				"sasl.username \""+wrong.SASL.Username+`"`, wrong.SASL.PasswordFile, mechanism)
		}
	}
	none := as("plain", "ann", "first")
	none.SASL = SASL{}
	wants(t, "no SASL where it is wanted", waitsFor(t, none), "connection closed by the broker", "tls.enabled and sasl")
	unasked := as("plain", "ann", "first")
	unasked.Brokers, unasked.TLS = broker.Internal(), tlsfiles.Client{}
	wants(t, "SASL where it is not taken", refusal(t, unasked), "the listener takes no SASL")

	t.Run("rotation", func(t *testing.T) { rotation(t, broker, as("scram-sha-512", "ann", "first")) })
}

// rotation changes a password on the broker, then in the file, under a client and a member of a group that both lose their
// connections in between. A file that is gone for a while is waited for, too.
func rotation(t *testing.T, broker *realkafka.Cluster, cfg Config) {
	c := client(t, cfg, uniqueNames(), 1)
	var log lines
	c.log = zerolog.New(&log)
	working, stop := context.WithCancel(bounded(t))
	defer stop()
	committed, left := make(chan int64), make(chan error, 1)
	go func() {
		left <- NewGroup(c).Run(working, c.names.Prefix, schemas.Samples, func(ctx context.Context, a dataflow.Assignment) error {
			for offset := a.Offset; ; offset = max(offset, 0) + 1 {
				if err := a.Commit(ctx, max(offset, 0), ""); err != nil {
					return err
				}
				select {
				case committed <- offset:
				case <-ctx.Done():
					return nil
				}
			}
		})
	}()
	<-committed

	setPassword(t, broker, "ann", "second")
	restart(t, broker) // ends every connection
	eventually(t, "the log says what is wrong", func() bool { return log.count("sasl authentication failed: the broker does not know") > 0 })
	if err := os.Remove(cfg.SASL.PasswordFile); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the log says that there is no file", func() bool { return log.count("sasl.password_file: open") > 0 })
	if err := os.WriteFile(cfg.SASL.PasswordFile, []byte("second\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Append(bounded(t), p0, one("v")); err != nil {
		t.Error(err)
	}
	<-committed // the one that was about to be
	<-committed
	stop()
	if err := <-left; err != nil {
		t.Error(err)
	}
}

func restart(t *testing.T, broker *realkafka.Cluster) {
	t.Helper()
	if err := broker.Stop(0); err != nil {
		t.Fatal(err)
	}
	if err := broker.Restart(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
}

// setPassword does what kafka-configs.sh --alter --add-config 'SCRAM-SHA-512=[password=...]' does.
func setPassword(t *testing.T, broker *realkafka.Cluster, user, password string) {
	t.Helper()
	const iterations = 4096
	salt := []byte("salt of this test")
	salted, err := pbkdf2.Key(sha512.New, password, salt, iterations, sha512.Size)
	if err != nil {
		t.Fatal(err)
	}
	admin := kafka.Client{Addr: kafka.TCP(broker.Internal()...), Transport: &kafka.Transport{}}
	defer admin.Transport.(*kafka.Transport).CloseIdleConnections()
	res, err := admin.AlterUserScramCredentials(bounded(t), &kafka.AlterUserScramCredentialsRequest{
		Upsertions: []kafka.UserScramCredentialsUpsertion{{
			Name: user, Mechanism: kafka.ScramMechanismSha512, Iterations: iterations, Salt: salt, SaltedPassword: salted,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range res.Results {
		if r.Error != nil {
			t.Fatal(r.Error)
		}
	}
}

// TestPasswordsInTheClearAreWarnedOf: plain is the one mechanism that sends the password itself.
func TestPasswordsInTheClearAreWarnedOf(t *testing.T) {
	for _, c := range []struct {
		mechanism string
		tls, want bool
	}{{"plain", false, true}, {"plain", true, false}, {"scram-sha-512", false, false}} {
		cfg := testConfig("127.0.0.1:1")
		cfg.TLS.Enabled = c.tls
		cfg.SASL = SASL{Mechanism: c.mechanism, Username: "ann", PasswordFile: write(t, "password", "a")}
		var log lines
		if _, err := New(cfg, uniqueNames(), zerolog.New(&log)); err != nil {
			t.Fatal(err)
		}
		if got := log.count("sends the password in the clear") == 1; got != c.want {
			t.Errorf("%+v: %s", c, log.b.String())
		}
	}
}
