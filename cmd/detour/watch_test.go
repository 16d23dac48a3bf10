package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"github.com/rs/zerolog"

	"detour/internal/embedded/broker"
	"detour/internal/embedded/chserver"
	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/reject"
	"detour/schemas/sample"
)

// maxIdle is what a consumer may hold when nothing is to be done, bytes.
const maxIdle = 100e6

// TestEveryProcessTellsTheTruth runs all stages, lets them work, and compares what they say with the log; then it takes
// the broker away and brings it back.
func TestEveryProcessTellsTheTruth(t *testing.T) {
	requireClickHouse(t)
	database := chserver.New(chserver.Config{DataDir: t.TempDir()}, zerolog.Nop())
	clickhouse, err := database.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	kafka := broker.New(broker.Config{Listen: freePort(t), DataDir: filepath.Join(t.TempDir(), "kafka")}, zerolog.Nop())
	address, err := kafka.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer kafka.Close()
	cfg, path := deployment(t, []string{address}, clickhouse)

	site := make(map[string]*observed)
	for _, command := range []string{"ingest", "aggregate", "decide", "publish", "dns"} {
		site[command] = startObserved(t, command, "--config", path)
	}
	becomes(t, site, http.StatusOK, "ok ")
	if _, body := site["dns"].page("/readyz"); !strings.Contains(body, "ok map: none yet: everybody gets the default path (degraded)\n") {
		t.Errorf("dns without a map says %s", body)
	}
	idleMemory(t, site)

	feed := startObserved(t, "feed", "--config", path, "--scenario", file(t, "small.yaml", smallWorld), "--live=false")
	if err := <-feed.done; err != nil {
		t.Fatal(err)
	}
	if err := cfg.Validate(); err != nil { // it completes the genesis
		t.Fatal(err)
	}
	std := stdio{strings.NewReader(""), os.Stderr, os.Stderr}
	if err := withPipeline(cfg, std, func(p *pipeline) error {
		return agrees(t, p, site)
	}); err != nil {
		t.Fatal(err)
	}
	answersAreCounted(t, cfg, site["dns"])
	documented(t, site)

	if err := kafka.Close(); err != nil {
		t.Fatal(err)
	}
	away := map[string]*observed{"ingest": site["ingest"], "aggregate": site["aggregate"], "decide": site["decide"], "publish": site["publish"]}
	becomes(t, away, http.StatusServiceUnavailable, "failed kafka: it answered ")
	for command, o := range site {
		if code, body := o.page("/livez"); code != http.StatusOK {
			t.Errorf("%s would be restarted, which does not bring the broker back: %d %s", command, code, body)
		}
		if n := o.scrape(t).sum("detour_kafka_unanswered_seconds"); command != "dns" && n == 0 {
			t.Errorf("%s says that no call waits for Kafka", command)
		}
	}
	if code, body := site["dns"].page("/readyz"); code != http.StatusOK {
		t.Errorf("dns needs no Kafka, and says %d %s", code, body)
	}
	if _, err := kafka.Start(); err != nil {
		t.Fatal(err)
	}
	becomes(t, site, http.StatusOK, "ok ")
	sharesAreTold(t, path, site)
	for _, o := range site {
		o.stop(t)
	}
}

// sharesAreTold starts a second process of two kinds: each partition is told by its owner alone, and one decides.
func sharesAreTold(t *testing.T, path string, site map[string]*observed) {
	t.Helper()
	for _, command := range []string{"aggregate", "decide"} {
		site[command+"-2"] = startObserved(t, command, "--config", path)
	}
	lags := func(command string) (n int) {
		for series := range site[command].scrape(t) {
			if strings.HasPrefix(series, `detour_log_lag_records{`) && strings.Contains(series, `topic="samples"`) {
				n++
			}
		}
		return n
	}
	arrives(t, "the second aggregate", "they share", func() string {
		if code, _ := site["aggregate-2"].page("/readyz"); code != http.StatusOK {
			return "not ready"
		}
		first, second := lags("aggregate"), lags("aggregate-2")
		if first+second == 4 && first > 0 && second > 0 {
			return "they share"
		}
		return fmt.Sprint(first, " and ", second)
	})
	arrives(t, "the second decide", "one decides", func() string {
		_, first := site["decide"].page("/readyz")
		_, second := site["decide-2"].page("/readyz")
		sum := site["decide"].scrape(t).sum("detour_active") + site["decide-2"].scrape(t).sum("detour_active")
		if sum == 1 && strings.Contains(first+second, "ok decide: active") && strings.Contains(first+second, "ok decide: standing by") {
			return "one decides"
		}
		return fmt.Sprint(sum, " active: ", first, second)
	})
	site["decide"].stop(t)
	delete(site, "decide")
	arrives(t, "the second decide", "it took over", func() string {
		code, body := site["decide-2"].page("/readyz")
		if code == http.StatusOK && strings.Contains(body, "ok decide: active") && site["decide-2"].scrape(t).sum("detour_active") == 1 {
			return "it took over"
		}
		return body
	})
}

// becomes waits for the answers of /readyz.
func becomes(t *testing.T, site map[string]*observed, want int, says string) {
	t.Helper()
	for command, o := range site {
		arrives(t, command+" is "+http.StatusText(want), "yes", func() string {
			code, body := o.page("/readyz")
			if code == want && strings.Contains(body, says) {
				return "yes"
			}
			return fmt.Sprint(code, " ", body)
		})
	}
}

// idleMemory checks what the consumers hold while there is nothing to do.
func idleMemory(t *testing.T, site map[string]*observed) {
	t.Helper()
	for command, o := range site {
		held := o.resident(t)
		t.Logf("%s holds %.1f MB, idle", command, held/1e6)
		if held > maxIdle {
			t.Errorf("%s holds %.1f MB, idle, at most %.0f MB are good", command, held/1e6, maxIdle/1e6)
		}
	}
}

// agrees waits until all is done, and compares what the processes say with the log.
func agrees(t *testing.T, p *pipeline, site map[string]*observed) error {
	t.Helper()
	lag := func() string {
		sum := 0.0
		for _, o := range site {
			sum += o.scrape(t).sum("detour_log_lag_records")
		}
		return fmt.Sprint(sum)
	}
	var a *account
	arrives(t, "the site", "all is done", func() string {
		var err error
		if a, err = takeAccount(t.Context(), p); err != nil {
			return err.Error()
		}
		if a.last == nil || lag() != "0" {
			return fmt.Sprint(len(a.panes), " panes, lag ", lag())
		}
		served := site["publish"].scrape(t)["detour_map_version"]
		installed := site["dns"].scrape(t)["detour_agent_map_version"]
		stored := site["publish"].scrape(t)[`detour_history_rows_total{table="map_versions"}`]
		if last := float64(a.last.Manifest.Version); served != last || installed != last || stored < last || len(a.ticks) != len(a.panes)/p.cfg.Genesis.Samples {
			return fmt.Sprintf("version %g, served %g, installed %g, stored %g", last, served, installed, stored)
		}
		return "all is done"
	})
	d := &demo{pipeline: p}
	rows, refused := make(map[string]float64), make(map[string]float64)
	if err := d.eachRecord(t.Context(), schemas.Samples, func(r *schemas.Record) error {
		b, err := sample.Decode(r.Value)
		if err != nil {
			return err
		}
		for i := range b.Samples {
			s := &b.Samples[i]
			rows[fmt.Sprintf(`detour_samples_total{outcome=%q,path=%q}`, s.Outcome, p.cfg.Genesis.Paths[s.Path].ID)]++
		}
		return nil
	}); err != nil {
		return err
	}
	if err := d.eachRecord(t.Context(), schemas.Rejects, func(r *schemas.Record) error {
		b, err := reject.Decode(r)
		if err == nil {
			refused[fmt.Sprintf("detour_rejects_total{reason=%q}", b.Reason)]++
		}
		return err
	}); err != nil {
		return err
	}
	decided := make(map[string]float64)
	if err := d.eachRecord(t.Context(), schemas.Decisions, func(r *schemas.Record) error {
		b, err := decision.Decode(r.Value)
		if err != nil {
			return err
		}
		for i := range b.Decisions {
			decided[fmt.Sprintf("detour_decisions_total{reason=%q}", b.Decisions[i].Reason)] += float64(b.Decisions[i].Changed)
		}
		return nil
	}); err != nil {
		return err
	}
	ingest, aggregate, decide, publish := site["ingest"].scrape(t), site["aggregate"].scrape(t), site["decide"].scrape(t), site["publish"].scrape(t)
	if len(rows) < 4 || len(refused) < 2 {
		t.Errorf("the log has samples of %d kinds and rejects of %d: too few to tell", len(rows), len(refused))
	}
	for _, kinds := range []map[string]float64{rows, refused} {
		for series, want := range kinds {
			if got := ingest[series]; got != want {
				t.Errorf("%s is %g, the log has %g", series, got, want)
			}
		}
	}
	for series, want := range decided {
		if got := decide[series]; got != want {
			t.Errorf("%s is %g, the log has %g", series, got, want)
		}
	}
	m := &a.last.Manifest
	reached := float64(a.keptTicks[len(a.keptTicks)-1].Pane+p.cfg.Genesis.Pane) / 1000
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"samples", ingest.sum("detour_samples_total"), total(rows)},
		{"rejects", ingest.sum("detour_rejects_total"), total(refused)},
		{"panes", aggregate["detour_panes_sealed_total"], float64(a.seals)},
		{"seals with a latency", aggregate["detour_seal_latency_seconds_count"], float64(a.seals)},
		{"incomplete panes", aggregate["detour_panes_incomplete_total"], 0},
		{"sealed up to", aggregate[`detour_sealed_timestamp_seconds{partition="0"}`], reached},
		{"ticks", decide["detour_ticks_total"], float64(a.moves)},
		{"tick at", decide["detour_tick_timestamp_seconds"], reached},
		{"decide active", decide[`detour_active{stage="decide"}`], 1},
		{"versions", publish["detour_map_versions_total"], float64(len(a.versions))},
		{"version", publish["detour_map_version"], float64(m.Version)},
		{"entries", publish["detour_map_entries"], float64(m.Entries)},
		{"created", publish["detour_map_created_timestamp_seconds"], float64(m.Created) / 1000},
		{"expiry", publish["detour_map_expiry_timestamp_seconds"], float64(m.Expires) / 1000},
		{"ClickHouse up", publish["detour_clickhouse_up"], 1},
		{"sources assigned", ingest[`detour_assigned_partitions{stage="ingest"}`], float64(p.cfg.Topics.ReportPartitions)},
		{"nothing waits", ingest["detour_kafka_unanswered_seconds"], 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %g, the log has %g", c.what, c.got, c.want)
		}
	}
	return nil
}

func total(kinds map[string]float64) (sum float64) {
	for _, n := range kinds {
		sum += n
	}
	return sum
}

// answersAreCounted asks the DNS server.
func answersAreCounted(t *testing.T, cfg *Config, o *observed) {
	t.Helper()
	const many = 5
	before := o.scrape(t)
	for i := range many {
		q := new(dns.Msg).SetQuestion(dns.Fqdn(cfg.DNS.Service), dns.TypeA)
		if _, _, err := new(dns.Client).Exchange(q, cfg.DNS.Listen[0]); err != nil {
			t.Fatal(i, err)
		}
	}
	after := o.scrape(t)
	for _, series := range []string{`detour_dns_answers_total{path="direct"}`, `detour_dns_queries_total{rcode="NOERROR"}`} {
		if got := after[series] - before[series]; got != many {
			t.Errorf("%s grew by %g with %d queries", series, got, many)
		}
	}
}

// documented compares what the processes have with docs/metrics.md.
func documented(t *testing.T, site map[string]*observed) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "metrics.md"))
	if err != nil {
		t.Fatal(err)
	}
	said := make(map[string][]string) // by command
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 6 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`detour_") {
			continue
		}
		name, labels := strings.Trim(cells[1], " `"), strings.Split(strings.ReplaceAll(strings.Trim(cells[3], " "), "`", ""), ", ")
		slices.Sort(labels)
		for command := range strings.SplitSeq(strings.TrimSpace(cells[4]), ", ") {
			said[command] = append(said[command], fmt.Sprintf("%s{%s}", name, strings.Join(labels, ",")))
		}
	}
	for command, o := range site {
		linted(t, o)
		has := o.scrape(t).families()
		for _, family := range has {
			if !slices.Contains(said[command], family) {
				t.Errorf("%s has %s, which docs/metrics.md does not say of it", command, family)
			}
		}
		for _, family := range said[command] {
			if !slices.Contains(has, family) {
				t.Errorf("docs/metrics.md says that %s has %s, it has not", command, family)
			}
		}
	}
}

// linted asks Prometheus' own tool, where there is one, what it thinks of a page.
func linted(t *testing.T, o *observed) {
	t.Helper()
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Logf("not checked by promtool: %v", err)
		return
	}
	_, page := o.page("/metrics")
	check := exec.Command(tool, "check", "metrics")
	check.Stdin = strings.NewReader(page)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool says of %s: %v\n%s", o.command, err, out)
	}
}
