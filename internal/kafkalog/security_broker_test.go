package kafkalog

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/embedded/realkafka"
	"detour/internal/tlsfiles/tlstest"
)

// keystore writes what a broker shows: its key and its certificate in one file.
func keystore(t *testing.T, path string, ca *tlstest.Authority, leaf tlstest.Leaf) {
	t.Helper()
	var all []byte
	cert, key := ca.Issue(t, leaf)
	for _, part := range []string{key, cert} {
		pem, err := os.ReadFile(part)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pem...)
	}
	if err := os.WriteFile(path, all, 0o600); err != nil {
		t.Fatal(err)
	}
}

var localhost = tlstest.Leaf{Name: "broker", Hosts: []string{"127.0.0.1", "localhost"}}

// secured starts a broker whose certificate is from ca, and returns it with the file of its certificate.
func secured(t *testing.T, ca *tlstest.Authority, cfg realkafka.Config) (*realkafka.Cluster, string) {
	t.Helper()
	cfg.Keystore, cfg.Truststore = filepath.Join(t.TempDir(), "keystore.pem"), ca.File
	keystore(t, cfg.Keystore, ca, localhost)
	return realkafka.Start(t, cfg), cfg.Keystore
}

// works lets a client do all that clients do: make topics, write, read, be a member of a group and commit.
func works(t *testing.T, cfg Config) *Client {
	t.Helper()
	c := client(t, cfg, uniqueNames(), 1)
	if _, err := c.Append(bounded(t), p0, one("v")); err != nil {
		t.Error(err)
	}
	if got := readAll(t, c, p0, 0); len(got) != 1 || string(got[0].Value) != "v" {
		t.Errorf("read %v", got)
	}
	groupOnce(t, c)
	return c
}

// refusal returns the error with which a client does not start.
func refusal(t *testing.T, cfg Config) string {
	t.Helper()
	c, err := New(cfg, uniqueNames(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err = c.WaitReady(bounded(t)); err == nil {
		t.Error("it was let in")
		return ""
	}
	return err.Error()
}

// waitsFor returns what a client logs that is not let in and tries again.
func waitsFor(t *testing.T, cfg Config) string {
	t.Helper()
	var log lines
	c, err := New(cfg, uniqueNames(), zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(bounded(t))
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.WaitReady(ctx) }()
	for log.count("waiting for") == 0 {
		select {
		case err := <-done:
			t.Fatalf("it does not wait: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("it was let in")
	}
	return log.b.String()
}

func wants(t *testing.T, name, got string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(got, w) {
			t.Errorf("%s: %q is not in: %s", name, w, got)
		}
	}
}
