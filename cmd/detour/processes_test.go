package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	miekg "github.com/miekg/dns"
	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v3"

	"detour/internal/embedded/broker"
	"detour/internal/embedded/chserver"
	"detour/publish/history"
	"detour/schemas/pathmap"
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

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(binary, args...), name: args[0], done: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
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
func deployment(t *testing.T, kafka, clickhouse string) (*Config, string) {
	t.Helper()
	dir := t.TempDir()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := defaultConfig()
	cfg.Kafka.Brokers = []string{kafka}
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
	text, err := yaml.Marshal(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "detour.yaml")
	for _, err := range []error{
		os.WriteFile(cfg.ClientKeyFile, demoKey, 0o600),
		writePEM(cfg.Publish.SigningKeyFile, private), writePEM(cfg.Agent.PublicKeyFile, public),
		os.WriteFile(path, text, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return &cfg, path
}

// demoDigest runs the demo in a process of its own.
func demoDigest(t *testing.T, scenario string) (digest string, windows int64) {
	t.Helper()
	cmd := exec.Command(binary, "demo", "--exit", "--json", "--scenario", scenario)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("demo: %v\n%s", err, errs.String())
	}
	var s struct {
		MapDigest string `json:"map_digest"`
		ViaProxy  int    `json:"via_proxy"`
		Windows   int64  `json:"clickhouse_windows"`
	}
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if s.ViaProxy == 0 {
		t.Fatal("the demo moved nobody: the test would compare empty maps")
	}
	return s.MapDigest, s.Windows
}

// manifest asks the fleet API, nil while there is nothing.
func manifest(url string) *pathmap.Manifest {
	resp, err := http.Get(url + "/v1/manifest")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	m := new(pathmap.Manifest)
	if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(m) != nil {
		return nil
	}
	return m
}

// serial asks DNS for the zone's serial, which is the map's version; -1 without an answer.
func serial(server, zone string) int64 {
	m, _, err := new(miekg.Client).Exchange(new(miekg.Msg).SetQuestion(miekg.Fqdn(zone), miekg.TypeSOA), server)
	if err != nil || len(m.Answer) == 0 {
		return -1
	}
	return int64(m.Answer[0].(*miekg.SOA).Serial)
}

// TestSeparateProcessesPublishWhatTheDemoDoes starts every stage as a process, before there is a broker, and feeds them
// the demo's log: the map has to be the same byte for byte.
func TestSeparateProcessesPublishWhatTheDemoDoes(t *testing.T) {
	if testing.Short() {
		t.Skip("six processes and a demo")
	}
	requireClickHouse(t)
	scenario := file(t, "small.yaml", smallWorld)
	want, wantWindows := demoDigest(t, scenario)

	kafka := freePort(t)
	database := chserver.New(chserver.Config{}, zerolog.Nop())
	clickhouse, err := database.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	cfg, path := deployment(t, kafka, clickhouse)

	var stages []*process
	for _, name := range []string{"ingest", "aggregate", "decide", "publish"} {
		stages = append(stages, start(t, name, "--config", path))
	}
	dns := start(t, "dns", "--config", path)
	for _, p := range stages {
		eventually(t, p.name+" says what it waits for", func() bool { return strings.Contains(p.said(), "waiting for "+kafka) })
	}
	kafkaServer := broker.New(broker.Config{Listen: kafka, DataDir: t.TempDir()}, zerolog.Nop())
	if _, err := kafkaServer.Start(); err != nil {
		t.Fatal(err)
	}
	defer kafkaServer.Close()

	feed := start(t, "feed", "--config", path, "--scenario", scenario)
	if err := <-feed.done; err != nil {
		t.Fatalf("feed: %v\n%s", err, feed.said())
	}
	var got *pathmap.Manifest
	eventually(t, "the demo's map", func() bool {
		got = manifest(cfg.Agent.URL)
		return got != nil && got.Digest == want
	})
	eventually(t, "the map in DNS", func() bool { return serial(cfg.DNS.Listen[0], cfg.DNS.Zone) == got.Version })
	d := &demo{pipeline: &pipeline{cfg: cfg}}
	eventually(t, "all windows in ClickHouse", func() bool {
		n, err := d.queryNumber(t.Context(), "SELECT count() FROM windows")
		return err == nil && n == wantWindows
	})
	explainSomebody(t, path, got)

	for _, p := range stages {
		p.stop(t)
	}
	answer, err := ask(t.Context(), cfg.DNS.Listen[0], netip.MustParseAddr("127.0.0.77"), cfg.DNS.Service)
	if err != nil || answer != cfg.Paths[0].Answer.A[0] {
		t.Errorf("with publish gone DNS says %s, %v", answer, err)
	}
	if s := serial(cfg.DNS.Listen[0], cfg.DNS.Zone); s != got.Version {
		t.Errorf("with publish gone the serial is %d", s)
	}
	dns.stop(t)
	again := start(t, "dns", "--config", path)
	eventually(t, "the cached map after a restart without publish", func() bool {
		return serial(cfg.DNS.Listen[0], cfg.DNS.Zone) == got.Version
	})
	again.stop(t)
}

// TestKilledProcessesChangeNothing kills stages without warning while they work: the map is the one of an undisturbed run.
func TestKilledProcessesChangeNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("many processes and a demo")
	}
	requireClickHouse(t)
	scenario := file(t, "small.yaml", smallWorld)
	want, _ := demoDigest(t, scenario)
	server := broker.New(broker.Config{}, zerolog.Nop())
	kafka, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	cfg, path := deployment(t, kafka, "")
	names := []string{"ingest", "aggregate", "decide", "publish"}
	stages := make([]*process, len(names))
	for i, name := range names {
		stages[i] = start(t, name, "--config", path)
	}
	feed := start(t, "feed", "--config", path, "--scenario", scenario)
	for range 2 {
		for i, p := range stages {
			eventually(t, p.name+" to be at work", func() bool { return strings.Contains(p.said(), "stage="+p.name) })
			_ = p.cmd.Process.Kill()
			<-p.done
			stages[i] = start(t, p.name, "--config", path)
		}
	}
	if err := <-feed.done; err != nil {
		t.Fatalf("feed: %v\n%s", err, feed.said())
	}
	eventually(t, "the demo's map", func() bool {
		m := manifest(cfg.Agent.URL)
		return m != nil && m.Digest == want
	})
}

// explainSomebody runs detour explain against the running deployment.
func explainSomebody(t *testing.T, path string, m *pathmap.Manifest) {
	t.Helper()
	out, err := exec.Command(binary, "explain", "--config", path, "192.0.2.250").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "there is no evidence about it") {
		t.Errorf("explain: %v\n%s", err, out)
	}
	out, err = exec.Command(binary, "policy", "show", "--config", path).CombinedOutput()
	if err != nil || !strings.Contains(string(out), m.Policy) {
		t.Errorf("policy show: %v\n%s", err, out)
	}
}

// TestAProcessWithOtherSettingsRefusesToStart changes what shapes output, and says what differs.
func TestAProcessWithOtherSettingsRefusesToStart(t *testing.T) {
	server := broker.New(broker.Config{}, zerolog.Nop())
	kafka, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	_, path := deployment(t, kafka, "")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"explain", "--config", path, "192.0.2.1"},
		{"policy", "show", "--config", path},
		{"verify", "--config", path},
	} {
		if code, _, errs := cli(t, args...); code != exitFailed || !strings.Contains(errs, `run "detour migrate" first`) {
			t.Errorf("%v on a log that was never begun: %d %q", args, code, errs)
		}
	}
	if code, out, errs := cli(t, "migrate", "--config", path); code != exitOK || !strings.Contains(out, "ready: genesis") {
		t.Fatalf("migrate: %d %q %q", code, out, errs)
	}
	other := file(t, "other.yaml", strings.Replace(string(text), "pane_ms: 60000", "pane_ms: 30000", 1))
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	for _, stage := range []string{"ingest", "aggregate", "decide", "publish"} {
		var errs bytes.Buffer
		code := run(ctx, stdio{strings.NewReader(""), &errs, &errs}, []string{stage, "--config", other})
		if code != exitConfig || !strings.Contains(errs.String(), "pane_ms is 30000 here and 60000 in the log") {
			t.Errorf("%s: exit code %d, says %q", stage, code, errs.String())
		}
	}
}
