package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	miekg "github.com/miekg/dns"
	"github.com/rs/zerolog"

	"detour/internal/embedded/chserver"
	"detour/internal/embedded/realkafka"
	"detour/schemas/pathmap"
)

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
func serial(ctx context.Context, server, zone string) int64 {
	m, _, err := new(miekg.Client).ExchangeContext(ctx, new(miekg.Msg).SetQuestion(miekg.Fqdn(zone), miekg.TypeSOA), server)
	if err != nil || len(m.Answer) == 0 {
		return -1
	}
	return int64(m.Answer[0].(*miekg.SOA).Serial)
}

// TestSeparateProcessesPublishWhatTheDemoDoes starts every stage as a process, before there is a broker, and feeds them
// the demo's log: the map has to be the same byte for byte.
func TestSeparateProcessesPublishWhatTheDemoDoes(t *testing.T) {
	separateProcesses(t, startEmbedded)
}

// TestIntegrationSeparateProcessesPublishWhatTheDemoDoes does it on Apache Kafka.
func TestIntegrationSeparateProcessesPublishWhatTheDemoDoes(t *testing.T) {
	realkafka.Require(t)
	separateProcesses(t, startReal)
}

func separateProcesses(t *testing.T, startBroker brokerStart) {
	t.Helper()
	if testing.Short() {
		t.Skip("six processes and a demo")
	}
	requireClickHouse(t)
	scenario := file(t, "small.yaml", smallWorld)
	want, wantWindows := demoDigest(t, scenario)

	kafka := quietPort(t)
	database := chserver.New(chserver.Config{}, zerolog.Nop())
	clickhouse, err := database.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	cfg, path := deployment(t, []string{kafka}, clickhouse)

	var stages []*process
	for _, name := range []string{"ingest", "aggregate", "decide", "publish"} {
		stages = append(stages, start(t, name, "--config", path))
	}
	dns := start(t, "dns", "--config", path)
	for _, p := range stages {
		eventually(t, p.name+" says what it waits for", func() bool { return strings.Contains(p.said(), "waiting for "+kafka) })
	}
	startBroker(t, kafka)

	feed := start(t, "feed", "--config", path, "--scenario", scenario)
	if err := <-feed.done; err != nil {
		t.Fatalf("feed: %v\n%s", err, feed.said())
	}
	var got *pathmap.Manifest
	eventually(t, "the demo's map", func() bool {
		got = manifest(cfg.Agent.URL)
		return got != nil && got.Digest == want
	})
	eventually(t, "the map in DNS", func() bool { return serial(t.Context(), cfg.DNS.Listen[0], cfg.DNS.Zone) == got.Version })
	d := &demo{pipeline: &pipeline{cfg: cfg}}
	eventually(t, "all windows in ClickHouse", func() bool {
		n, err := d.queryNumber(t.Context(), "SELECT count() FROM windows")
		return err == nil && n == wantWindows
	})
	explainSomebody(t, path, got)
	recallsWhatTheLogTells(t, path)
	checkRunning(t, path)

	for _, p := range stages {
		p.stop(t)
	}
	answer, err := ask(t.Context(), cfg.DNS.Listen[0], netip.MustParseAddr("127.0.0.77"), cfg.DNS.Service)
	if err != nil || answer != cfg.Paths[0].Answer.A[0] {
		t.Errorf("with publish gone DNS says %s, %v", answer, err)
	}
	if s := serial(t.Context(), cfg.DNS.Listen[0], cfg.DNS.Zone); s != got.Version {
		t.Errorf("with publish gone the serial is %d", s)
	}
	dns.stop(t)
	again := start(t, "dns", "--config", path)
	eventually(t, "the cached map after a restart without publish", func() bool {
		return serial(t.Context(), cfg.DNS.Listen[0], cfg.DNS.Zone) == got.Version
	})
	again.stop(t)
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

// checkRunning checks the configuration against the running deployment.
func checkRunning(t *testing.T, path string) {
	t.Helper()
	out, err := exec.Command(binary, "config", "check", "--config", path).CombinedOutput()
	for _, line := range []string{"detour.maps-v1 ", "has version", "began with these settings", "migrations", "is in use"} {
		if err != nil || !strings.Contains(string(out), line) {
			t.Fatalf("config check: %v, lacks %q\n%s", err, line, out)
		}
	}
}

// TestAProcessWithOtherSettingsRefusesToStart changes what shapes output, and says what differs.
func TestAProcessWithOtherSettingsRefusesToStart(t *testing.T) { otherSettings(t, startEmbedded) }

// TestIntegrationAProcessWithOtherSettingsRefusesToStart does it on Apache Kafka.
func TestIntegrationAProcessWithOtherSettingsRefusesToStart(t *testing.T) {
	otherSettings(t, startReal)
}

func otherSettings(t *testing.T, startBroker brokerStart) {
	t.Helper()
	kafka := quietPort(t)
	startBroker(t, kafka)
	_, path := deployment(t, []string{kafka}, "")
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
