package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/embedded/broker"
	"detour/internal/embedded/chserver"
	"detour/internal/embedded/realkafka"
	"detour/internal/kafkalog"
	"detour/internal/status"
	"detour/publish/history"
	"detour/schemas"
)

// seen is what a test reads of detour status --json.
type seen struct {
	code     int
	text     string
	Well     bool
	Stages   []line
	Map      *struct{ Version int64 }
	Rejects  struct{ Reasons map[string]int64 }
	Findings []struct{ ID, Severity, Stage, What string }
}

// line is one of the table.
type line struct {
	Stage   string
	Members *int
	At      string
	Lag     *int64
}

// has reports whether something is wrong with a stage.
func (s *seen) has(id status.ID, stage string) bool {
	for _, f := range s.Findings {
		if f.ID == string(id) && f.Stage == stage && f.Severity == status.Wrong {
			return true
		}
	}
	return false
}

// statusOf runs detour status.
func statusOf(t *testing.T, path string, args ...string) (s seen) {
	t.Helper()
	var errs string
	s.code, s.text, errs = cli(t, append([]string{"status", "--config", path, "--json"}, args...)...)
	if err := json.Unmarshal([]byte(s.text), &s); err != nil || errs != "" {
		t.Fatalf("exit code %d, %v, says %q: %s", s.code, err, errs, s.text)
	}
	if (s.code == exitOK) != s.Well || s.code > exitFailed {
		t.Errorf("exit code %d of %s", s.code, s.text)
	}
	return s
}

// waitStatus asks until the answer is as wanted.
func waitStatus(t *testing.T, path, what string, want func(*seen) bool) (s seen) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("the last answer: %s", s.text)
		}
	}()
	eventually(t, what, func() bool { s = statusOf(t, path); return want(&s) })
	return s
}

// report is one that measures both paths, as a client sends it.
const liveReport = `{"ctx": {"resolver": "192.0.2.53", "asn": 64500, "country": "DE"}, "type": "r", "name": "http", "data": [
	{"name": "direct", "data": [{"d": 40, "sc": 200, "tcp": 9}, {"d": 20, "sc": 200, "tcp": 0}]},
	{"name": "proxy",  "data": [{"d": 30, "sc": 200, "tcp": 5}, {"d": 10, "sc": 200, "tcp": 0}]}]}`

// feedLive sends reports as long as the test runs; end waits for it.
func feedLive(t *testing.T, cfg *Config) (end func()) {
	t.Helper()
	client, err := kafkalog.New(cfg.Kafka, cfg.names(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var feeding sync.WaitGroup
	feeding.Go(func() {
		defer client.Close()
		for i := 0; ctx.Err() == nil; i++ {
			p := schemas.Partition{Topic: schemas.Reports, Number: int32(i % cfg.Topics.ReportPartitions)}
			_, _ = client.Append(ctx, p, []schemas.Record{{Partition: p, Time: time.Now().UnixMilli(), Value: []byte(liveReport)}})
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	end = sync.OnceFunc(func() { stop(); feeding.Wait() })
	t.Cleanup(end)
	return end
}

// feedBroken sends what is no report, enough to be a fault of somebody's.
func feedBroken(t *testing.T, cfg *Config) {
	t.Helper()
	client, err := kafkalog.New(cfg.Kafka, cfg.names(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	p := schemas.Partition{Topic: schemas.Reports}
	records := make([]schemas.Record, 200)
	for i := range records {
		records[i] = schemas.Record{Partition: p, Time: time.Now().UnixMilli(), Value: []byte("{broken")}
	}
	if _, err := client.Append(t.Context(), p, records); err != nil {
		t.Fatal(err)
	}
}

func TestStatusOfProcesses(t *testing.T) {
	server := broker.New(broker.Config{}, zerolog.Nop())
	kafka, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	closing := sync.OnceValue(server.Close)
	t.Cleanup(func() { _ = closing() })
	statusOfProcesses(t, kafka, closing)
}

// TestIntegrationStatusOfProcesses does it on Apache Kafka.
func TestIntegrationStatusOfProcesses(t *testing.T) {
	cluster := realkafka.Start(t, realkafka.Config{Properties: keepsReports})
	statusOfProcesses(t, cluster.Addrs()[0], func() error { return cluster.Stop(0) })
}

// statusOfProcesses stops each stage of a running deployment, then the collector, then Kafka, and asks how it is.
func statusOfProcesses(t *testing.T, kafka string, stopKafka func() error) {
	t.Helper()
	if testing.Short() {
		t.Skip("five processes")
	}
	cfg, path := deployment(t, []string{kafka}, "")
	cfg.Genesis.Pane, cfg.Genesis.Lateness = 1000, 0
	cfg.Ingest.Heartbeat = 200 * time.Millisecond
	writeConfig(t, cfg, path)
	migrate(t, path)
	stages := []string{"ingest", "aggregate", "decide", "publish"}
	running := make(map[string]*process)
	for _, name := range append(stages, "dns") {
		running[name] = start(t, name, "--config", path)
	}
	end := feedLive(t, cfg)
	s := waitStatus(t, path, "all is well, and every line is known", func(s *seen) bool {
		return s.Well && s.Map != nil && !slices.ContainsFunc(s.Stages, func(l line) bool { return l.Lag == nil })
	})
	for i, name := range append(stages, "fleet", "dns") {
		l := s.Stages[i]
		if l.Stage != name || i < len(stages) && (l.Members == nil || *l.Members != 1) {
			t.Fatalf("%s: %+v", name, l)
		}
	}
	if code, out, _ := cli(t, "status", "--config", path, "--now", "2040-01-01T00:00:00Z"); code != exitFailed || !strings.Contains(out, "WRONG  map-stale: ") {
		t.Errorf("years later: %d\n%s", code, out)
	}
	for _, name := range stages {
		running[name].stop(t)
		id := status.StageDown
		if name == "publish" {
			id = status.PublisherDown
		}
		waitStatus(t, path, name+" is down", func(s *seen) bool { return s.has(id, name) })
		running[name] = start(t, name, "--config", path)
		waitStatus(t, path, "all is well with "+name+" again", func(s *seen) bool { return s.Well })
	}
	end()
	waitStatus(t, path, "nothing but heartbeats", func(s *seen) bool { return s.has(status.NoProbes, status.Ingest) })
	feedBroken(t, cfg)
	waitStatus(t, path, "refused reports", func(s *seen) bool { return s.has(status.RejectsID, status.Ingest) && s.Rejects.Reasons["not_json"] > 0 })
	if err := stopKafka(); err != nil {
		t.Fatal(err)
	}
	s = statusOf(t, path, "--timeout", "3s")
	if !s.has(status.KafkaDown, "") || len(s.Findings) != 1 || !strings.Contains(s.Stages[4].At, "serves version ") || !strings.Contains(s.Stages[5].At, "answers from ") {
		t.Errorf("without Kafka: %s", s.text)
	}
}

// migrate begins a log.
func migrate(t *testing.T, path string) {
	t.Helper()
	if code, out, errs := cli(t, "migrate", "--config", path); code != exitOK {
		t.Fatalf("migrate: %d %q %q", code, out, errs)
	}
}

func TestStatusBeforeAnythingRuns(t *testing.T) {
	server := broker.New(broker.Config{}, zerolog.Nop())
	kafka, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	cfg, path := deployment(t, []string{kafka}, "")
	if s := statusOf(t, path); !s.has(status.NotBegun, "") || len(s.Findings) != 1 {
		t.Errorf("of a log that was never begun: %s", s.text)
	}
	migrate(t, path)
	cfg.ClickHouse.Enabled, cfg.ClickHouse.Addr = true, []string{freePort(t)}
	writeConfig(t, cfg, path)
	s := statusOf(t, path)
	var found []string
	for _, f := range s.Findings {
		found = append(found, strings.TrimSpace(f.ID+" "+f.Stage))
	}
	if want := []string{"stage-down ingest", "stage-down aggregate", "stage-down decide", "publisher-down publish", "clickhouse-down history"}; !slices.Equal(found, want) {
		t.Errorf("found %q", found)
	}
	code, out, errs := cli(t, "status", "--config", path)
	if code != exitFailed || errs != "" || !strings.HasPrefix(out, "5 things are wrong") || strings.Contains(out, "\x1b") {
		t.Errorf("exit code %d, says %q\n%s", code, errs, out)
	}
	cfg.Genesis.Pane = 30_000
	writeConfig(t, cfg, path)
	if code, _, errs := cli(t, "status", "--config", path); code != exitConfig || !strings.Contains(errs, "pane_ms is 30000 here and 60000 in the log") {
		t.Errorf("with other settings: exit code %d, says %q", code, errs)
	}
}

// TestStatusTellsOfClickHouse: what publish would bring there, with the database and without.
func TestStatusTellsOfClickHouse(t *testing.T) {
	requireClickHouse(t)
	server := broker.New(broker.Config{}, zerolog.Nop())
	kafka, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	database := chserver.New(chserver.Config{}, zerolog.Nop())
	clickhouse, err := database.Start()
	if err != nil {
		t.Fatal(err)
	}
	closing := sync.OnceValue(database.Close)
	defer func() { _ = closing() }()
	_, path := deployment(t, []string{kafka}, clickhouse)
	migrate(t, path)
	start(t, "publish", "--config", path)
	waitStatus(t, path, "history is at work", func(s *seen) bool {
		l := s.Stages[len(s.Stages)-1]
		return l.Stage == status.HistoryName && l.Members != nil && *l.Members == 1 && strings.HasPrefix(l.At, "version 0") && l.Lag != nil
	})
	if err := closing(); err != nil {
		t.Fatal(err)
	}
	waitStatus(t, path, "ClickHouse is down", func(s *seen) bool { return s.has(status.ClickHouseDown, status.HistoryName) })
}

func TestStatusWatchesUntilStopped(t *testing.T) {
	_, path := deployment(t, []string{freePort(t)}, "")
	ctx, stop := context.WithCancel(t.Context())
	lines := &countdown{left: 2, done: stop}
	if code := run(ctx, stdio{strings.NewReader(""), lines, lines}, []string{"status", "--config", path, "--watch", "--json", "--timeout", "300ms"}); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	for line := range strings.Lines(lines.text.String()) {
		if !strings.Contains(line, `"id":"kafka-down"`) || !strings.Contains(line, "connection refused") {
			t.Errorf("got %s", line)
		}
	}
}

// countdown calls done at the given number of writes.
type countdown struct {
	text strings.Builder
	left int
	done func()
}

func (c *countdown) Write(p []byte) (int, error) {
	if c.left--; c.left == 0 {
		c.done()
	}
	return c.text.Write(p)
}

func TestStatusRefusesWrongFlags(t *testing.T) {
	_, path := deployment(t, []string{freePort(t)}, "")
	for _, args := range [][]string{{"--timeout", "1ms"}, {"--timeout", "soon"}, {"--now", "now"}, {"now"}} {
		if code, _, errs := cli(t, append([]string{"status", "--config", path}, args...)...); code != exitConfig || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: %d %q", args, code, errs)
		}
	}
}

func TestAScreenIsCutToTheTerminal(t *testing.T) {
	text := "1\n2\n3\n4\n5\n"
	for height, want := range map[int]string{
		0: text, 6: text, 5: "1\n2\n3\n(2 more lines: without --watch)\n", 4: "1\n2\n(3 more lines: without --watch)\n", 1: "(5 more lines: without --watch)\n",
	} {
		if got := crop(text, height); got != want {
			t.Errorf("%d lines: %q, want %q", height, got, want)
		}
	}
}

func TestWhySaysWhatWasWaitedFor(t *testing.T) {
	for err, want := range map[error]string{
		fmt.Errorf("bounds of reports/2: %w (it has no leader)", context.DeadlineExceeded): "it has no leader",
		fmt.Errorf("a broker: %w (no answer within 20s)", context.DeadlineExceeded):        "no answer in time",
		fmt.Errorf("read: %w", context.DeadlineExceeded):                                   "no answer in time",
		fmt.Errorf("read: broken"):                                                         "read: broken",
	} {
		if got := why(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

// silent returns the address of a server that takes connections and never says anything.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	return l.Addr().String()
}

// TestStatusDoesNotWaitForTheSilent has every server hang. Where one were waited for without a bound, the test would be.
func TestStatusDoesNotWaitForTheSilent(t *testing.T) {
	for _, protocol := range []string{history.Native, history.HTTP} {
		cfg, path := deployment(t, []string{silent(t)}, silent(t))
		cfg.ClickHouse.Protocol, cfg.ClickHouse.CallTimeout = protocol, time.Hour
		cfg.Agent.URL = "http://" + silent(t)
		writeConfig(t, cfg, path)
		s := statusOf(t, path, "--timeout", "1500ms")
		if !s.has(status.KafkaDown, "") || !s.has(status.ClickHouseDown, status.HistoryName) || !strings.HasPrefix(s.Stages[4].At, "no answer from") ||
			strings.Count(s.text, noAnswer) != 2 {
			t.Errorf("%s: %s", protocol, s.text)
		}
	}
}
