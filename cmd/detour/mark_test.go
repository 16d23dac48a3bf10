package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/aggregate"
	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/internal/embedded/broker"
	"detour/internal/genesis"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/sample"
)

func TestReleaseTimes(t *testing.T) {
	now := time.UnixMilli(1_700_000_000_000)
	for text, want := range map[string]int64{
		"now": 1_700_000_000_000, "+1h": 1_700_003_600_000, "+0s": 1_700_000_000_000, "none": sample.NoRelease,
		"2023-11-14T22:13:21Z": 1_700_000_001_000, "2023-11-14T23:13:21+01:00": 1_700_000_001_000,
		"+": -1, "+later": -1, "+-1h": -1, "yesterday": -1, "1969-01-01T00:00:00Z": -1, "0001-01-01T00:00:00Z": -1,
	} {
		got, err := releaseTime(text, now)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
}

// markLog is a log of two samples partitions and two sources, the second of which is dead.
func markLog(t *testing.T) *pipeline {
	t.Helper()
	cfg := defaultConfig()
	cfg.Genesis.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}}
	cfg.Genesis.Samples = 2
	cfg.Genesis.Reports, cfg.Genesis.ClientKey = cfg.Topics.Reports, "test"
	p := &pipeline{cfg: &cfg, log: memlog.All(2), logger: zerolog.Nop()}
	if err := genesis.Append(t.Context(), p.log, control.Record{Genesis: &cfg.Genesis}); err != nil {
		t.Fatal(err)
	}
	for _, h := range []sample.Head{
		{Source: 0, To: 1, Origin: 70_000, Mark: 140_000},
		{Source: 1, To: 1, Origin: 80_000, Mark: 150_000}, // ahead when it died
		{Source: 0, From: 1, To: 2, Origin: 70_000, Mark: 900_000},
	} {
		h.Genesis, h.Sources = cfg.Genesis.Hash(), 2
		value, err := (&sample.Batch{Head: h}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		for i := range int32(2) {
			if _, err := p.log.Append(t.Context(), schemas.Partition{Topic: schemas.Samples, Number: i}, []schemas.Record{{Value: value}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return p
}

// aggregated runs aggregate over a samples partition and appends what it seals.
func aggregated(t *testing.T, p *pipeline, number int32) (sealed int) {
	t.Helper()
	in := schemas.Partition{Topic: schemas.Samples, Number: number}
	_, end, err := p.log.Bounds(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	records, err := dataflow.Range(t.Context(), p.log, in, 0, end)
	if err != nil {
		t.Fatal(err)
	}
	out, err := aggregate.New(&p.cfg.Genesis, number, aggregate.FromScratch(0, 0)).Apply(records, end)
	if err == nil && len(out) > 0 {
		_, err = p.log.Append(t.Context(), out[0].Partition, out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(out)
}

func TestMarkSaysWhoHoldsUpPanesAndReleasesIt(t *testing.T) {
	p := markLog(t)
	if sealed := aggregated(t, p, 1); sealed != 1 { // partition 0 has no seal yet: what it waits for is known from samples
		t.Fatalf("%d panes", sealed)
	}
	look := mark{source: -1}
	found, err := look.run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	found.write(&text)
	const want = `samples/0: no pane is sealed yet
  waits for source 1, which is at 1970-01-01 00:02:30 UTC, 12m30s behind the first
samples/1: the newest sealed pane began at 1970-01-01 00:01:00 UTC
  waits for source 1, which is at 1970-01-01 00:02:30 UTC, 12m30s behind the first
`
	if text.String() != want {
		t.Errorf("got\n%s", text.String())
	}
	release := mark{source: 1, to: 600_000}
	if found, err = release.run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	text.Reset()
	found.write(&text)
	if !strings.Contains(text.String(), "  appended at offset 3: source 1, which is at 1970-01-01 00:02:30 UTC, 12m30s behind the first, is released to 1970-01-01 00:10:00 UTC\n") {
		t.Errorf("got\n%s", text.String())
	}
	for i := range int32(2) {
		if sealed := aggregated(t, p, i); sealed != 8 { // panes 60,000 to 480,000: as far as the release goes
			t.Errorf("partition %d: %d panes sealed", i, sealed)
		}
	}
	if strings.Contains(text.String(), "All is well") {
		t.Errorf("source 1 is five minutes behind, and all is well:\n%s", text.String())
	}
	undo := mark{source: 1, to: sample.NoRelease}
	if found, err = undo.run(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	text.Reset()
	if err := found.writeJSON(&text); err != nil {
		t.Fatal(err)
	}
	var out struct {
		Source     int     `json:"source"`
		ReleasedTo *string `json:"released_to"`
		Partitions []struct {
			Sealed   string `json:"sealed"`
			Waits    []int  `json:"waits_for"`
			Appended int64  `json:"appended_at"`
			Sources  []struct {
				Mark, Released *string
			} `json:"sources"`
		} `json:"partitions"`
	}
	if err := json.Unmarshal([]byte(text.String()), &out); err != nil {
		t.Fatal(err)
	}
	first := out.Partitions[0]
	if out.Source != 1 || out.ReleasedTo != nil || len(out.Partitions) != 2 || first.Sealed != "1970-01-01T00:08:00Z" || first.Appended != 4 ||
		len(first.Waits) != 1 || first.Waits[0] != 1 || first.Sources[0].Released != nil || *first.Sources[1].Released != "1970-01-01T00:10:00Z" {
		t.Errorf("got\n%s", text.String())
	}
	if found, err = look.run(t.Context(), p); err != nil || found.partitions[0].Sources[1].Released != sample.NoRelease {
		t.Errorf("the release was not taken back: %v", err)
	}
}

func TestMarkSaysThatAllIsWell(t *testing.T) {
	p := markLog(t)
	near := sample.Head{Genesis: p.cfg.Genesis.Hash(), Source: 1, Sources: 2, From: 1, To: 2, Origin: 80_000, Mark: 830_000}
	for i := range int32(2) {
		value, err := (&sample.Batch{Head: near}).Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.log.Append(t.Context(), schemas.Partition{Topic: schemas.Samples, Number: i}, []schemas.Record{{Value: value}}); err != nil {
			t.Fatal(err)
		}
	}
	found, err := (&mark{source: -1}).run(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	found.write(&text)
	if !strings.HasSuffix(text.String(), "1m10s behind the first\nAll is well: no source is far behind the first.\n") {
		t.Errorf("got\n%s", text.String())
	}
}

func TestMarkOnARealLog(t *testing.T) {
	server := broker.New(broker.Config{}, zerolog.Nop())
	kafka, err := server.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	_, path := deployment(t, []string{kafka}, "")
	if code, _, errs := cli(t, "mark", "--config", path); code != exitFailed || !strings.Contains(errs, `run "detour migrate" first`) {
		t.Errorf("a log that was never begun: %d %q", code, errs)
	}
	if code, _, errs := cli(t, "migrate", "--config", path); code != exitOK {
		t.Fatalf("migrate: %d %q", code, errs)
	}
	if code, out, errs := cli(t, "mark", "--config", path, "--source", "1", "--to", "+1h"); code != exitOK ||
		strings.Count(out, "appended at offset 0: source 1, which was never heard, is released to ") != 4 || strings.Count(out, "waits for source 0") != 4 {
		t.Errorf("%d %q %q", code, out, errs)
	}
	for _, args := range [][]string{
		{"--source", "99"}, {"--source", "-2"}, {"--source", "one"}, {"--to", "now"}, {"--source", "1", "--to", "soon"}, {"1"},
	} {
		if code, _, errs := cli(t, append([]string{"mark", "--config", path}, args...)...); code != exitConfig || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: %d %q", args, code, errs)
		}
	}
}
