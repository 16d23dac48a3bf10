package main

import (
	"bytes"
	"crypto/ed25519"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"detour/publish/history"
)

// smallWorld is enough for moves, and for panes of each partition with and without rows.
const smallWorld = `
seed: 7
start: 2026-01-05T00:00:00Z
duration: 25m
resolvers: 300
runs: 6000
partitions: 4
bad: 0.01
public: 0.2
backbone: 0.915
noise: 1
`

// patience is how long anything here may take before the test gives up on it.
const patience = 90 * time.Second

// process is one running command.
type process struct {
	cmd  *exec.Cmd
	name string
	mu   sync.Mutex
	log  bytes.Buffer
	done chan error
}

// Write collects what the process logs.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// launch starts a command; what it writes is collected.
func launch(name string, cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, name: name, done: make(chan error, 1)}
	cmd.Stdout, cmd.Stderr = p, p
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.done <- cmd.Wait() }()
	return p, nil
}

// start runs detour with args until the test ends.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p, err := launch(args[0], exec.Command(binary, args...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("%s:\n%s", p.name, p.said())
		}
	})
	return p
}

// stop sends SIGTERM and wants a clean end.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("%s: %v", p.name, err)
	}
	select {
	case err := <-p.done:
		if err != nil {
			t.Errorf("%s ended with %v", p.name, err)
		}
	case <-time.After(patience):
		t.Fatalf("%s did not stop", p.name)
	}
}

// eventually waits for ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("in vain: " + what)
		}
	}
}

// freePort returns a loopback address that nobody listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// deployment is the configuration of separate processes, in a folder with their keys; clickhouse "" does without.
func deployment(t *testing.T, kafka []string, clickhouse string) (*Config, string) {
	t.Helper()
	dir := t.TempDir()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := defaultConfig()
	cfg.Kafka.Brokers = kafka
	cfg.Kafka.FetchMaxWait = 50 * time.Millisecond
	cfg.Paths = demoPaths()
	cfg.Ingest.Heartbeat = 0
	cfg.ClientKeyFile = filepath.Join(dir, "client.key")
	cfg.Publish.SigningKeyFile = filepath.Join(dir, "signing.pem")
	cfg.Publish.Fleet.Listen = freePort(t)
	cfg.Agent.URL = "http://" + cfg.Publish.Fleet.Listen
	cfg.Agent.PublicKeyFile = filepath.Join(dir, "public.pem")
	cfg.Agent.CacheFile = filepath.Join(dir, "map.cache")
	cfg.Kafka.SessionTimeout = 6 * time.Second // a killed member's partitions go to others as soon as brokers allow
	cfg.ClickHouse.Enabled = clickhouse != ""
	cfg.ClickHouse.Addr = []string{clickhouse}
	cfg.ClickHouse.Protocol = history.HTTP
	cfg.ClickHouse.TTLDays, cfg.ClickHouse.HourlyTTLDays = 0, 0
	cfg.DNS.Listen = []string{freePort(t)}
	path := filepath.Join(dir, "detour.yaml")
	for _, err := range []error{
		os.WriteFile(cfg.ClientKeyFile, demoKey, 0o600),
		writePEM(cfg.Publish.SigningKeyFile, private), writePEM(cfg.Agent.PublicKeyFile, public),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	writeConfig(t, &cfg, path)
	return &cfg, path
}

func writeConfig(t *testing.T, cfg *Config, path string) {
	t.Helper()
	text, err := yaml.Marshal(cfg)
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
