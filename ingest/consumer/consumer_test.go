package consumer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"detour/ingest"
	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/sample"
)

var (
	reports = schemas.Partition{Topic: schemas.Reports}
	samples = schemas.Partition{Topic: schemas.Samples}
)

const one = `{"ctx":{"resolver":"192.0.2.1"},"data":[{"name":"direct","data":[{"sc":200,"d":20}]}]}`

func newConsumer(log *memlog.Log, members dataflow.Group, cfg Config) *Consumer {
	g := control.DefaultGenesis()
	g.Samples = 1
	g.NotBefore = 0
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}}
	return &Consumer{
		Config: cfg, Genesis: &g, Key: ingest.ClientKey("0123456789abcdef"), Group: "ingest",
		Log: log, Members: members, Logger: zerolog.Nop(),
	}
}

func send(t *testing.T, log *memlog.Log, ms int64) {
	t.Helper()
	if _, err := log.Append(t.Context(), reports, []schemas.Record{{Time: ms, Value: []byte(one)}}); err != nil {
		t.Fatal(err)
	}
}

// tell appends a heartbeat to reports: a source that begins with one has a mark from there on.
func tell(t *testing.T, log *memlog.Log, ms int64) {
	t.Helper()
	if _, err := log.Append(t.Context(), reports, []schemas.Record{schemas.Heartbeat(reports, ms)}); err != nil {
		t.Fatal(err)
	}
}

// runFor runs a consumer for a while of fake time.
func runFor(t *testing.T, c *Consumer, d time.Duration) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	return c.Run(ctx)
}

func batches(t *testing.T, log *memlog.Log) (all []*sample.Batch) {
	t.Helper()
	_, end, err := log.Bounds(t.Context(), samples)
	if err != nil {
		t.Fatal(err)
	}
	records, err := dataflow.Range(t.Context(), log, samples, 0, end)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		b, err := sample.Decode(records[i].Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func TestARestartGoesOnBehindWhatWasCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		members := memlog.NewGroup(log)
		cfg := Config{CommitEvery: time.Second}
		tell(t, log, 1_000_000)
		if err := runFor(t, newConsumer(log, members, cfg), 5*time.Second); err != nil {
			t.Fatal(err)
		}
		for round := range int64(3) {
			send(t, log, 1_000_000+round*1000)
			if err := runFor(t, newConsumer(log, members, cfg), 5*time.Second); err != nil {
				t.Fatal(err)
			}
		}
		all := batches(t, log)
		if len(all) != 4 {
			t.Fatalf("%d batches", len(all))
		}
		for i, b := range all[1:] {
			if b.Head.From != int64(i+1) || b.Head.To != int64(i+2) || b.Head.Origin != 1_000_000 || len(b.Samples) != 1 {
				t.Errorf("batch %d covers %+v with %d samples", i, b.Head, len(b.Samples))
			}
		}
	})
}

func TestAnIdleSourceTellsItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		begin := time.Now().UnixMilli()
		send(t, log, begin)
		if err := runFor(t, newConsumer(log, memlog.NewGroup(log), Default()), 35*time.Second); err != nil {
			t.Fatal(err)
		}
		_, end, _ := log.Bounds(t.Context(), reports)
		if end != 5 { // the report, and a heartbeat at 0, 10, 20 and 30 seconds
			t.Errorf("%d records in reports", end)
		}
		all := batches(t, log)
		if last := all[len(all)-1].Head; last.To != end || last.Mark < begin+30_000 || last.Counts != (sample.Counts{}) {
			t.Errorf("the last batch says %+v", last)
		}
	})
}

func TestAReplayHasNoHeartbeatsOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		send(t, log, 1)
		if err := runFor(t, newConsumer(log, memlog.NewGroup(log), Config{}), time.Minute); err != nil {
			t.Fatal(err)
		}
		if _, end, _ := log.Bounds(t.Context(), reports); end != 1 {
			t.Errorf("%d records in reports", end)
		}
	})
}

func TestATopicMadeAnewIsRefused(t *testing.T) {
	log := memlog.All(1)
	members := memlog.NewGroup(log)
	_ = members.Run(t.Context(), "ingest", schemas.Reports, func(ctx context.Context, a dataflow.Assignment) error {
		return a.Commit(ctx, 7, `{"heard":true}`)
	})
	err := newConsumer(log, members, Config{}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "was the topic made anew?") {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	for i, c := range []Config{{Heartbeat: -1}, {Heartbeat: time.Millisecond}, {CommitEvery: -1}, {CommitEvery: time.Hour}} {
		if err := c.Validate(); err == nil {
			t.Error(fmt.Sprint(i), c, "is taken")
		}
	}
	if c := Default(); c.Validate() != nil {
		t.Error("the defaults are refused")
	}
}
