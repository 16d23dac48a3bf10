package worker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/sample"
	"detour/schemas/window"
)

var (
	samples = schemas.Partition{Topic: schemas.Samples}
	windows = schemas.Partition{Topic: schemas.Windows}
)

func testGenesis() *control.Genesis {
	g := control.DefaultGenesis()
	g.Samples = 1
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}}
	return &g
}

// send appends a batch without rows that moves the source's mark.
func send(t *testing.T, log *memlog.Log, from, mark int64) {
	t.Helper()
	b := sample.Batch{Head: sample.Head{Genesis: testGenesis().Hash(), Sources: 1, From: from, To: from + 1, Origin: 70_000, Mark: mark}}
	value, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), samples, []schemas.Record{{Value: value}}); err != nil {
		t.Fatal(err)
	}
}

func runFor(t *testing.T, log *memlog.Log, d time.Duration) error {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), d)
	defer stop()
	return newWorker(log).Run(ctx)
}

func newWorker(log *memlog.Log) *Worker {
	return &Worker{Genesis: testGenesis(), Group: "aggregate", Log: log, Members: memlog.NewGroup(log), Logger: zerolog.Nop()}
}

// written returns the records of the windows partition.
func written(t *testing.T, log *memlog.Log) []schemas.Record {
	t.Helper()
	start, end, err := log.Bounds(t.Context(), windows)
	if err != nil {
		t.Fatal(err)
	}
	records, err := dataflow.Range(t.Context(), log, windows, start, end)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// readBack returns the panes that a reader takes.
func readBack(t *testing.T, log *memlog.Log) (all []*window.Pane) {
	t.Helper()
	var a window.Assembler
	for _, r := range written(t, log) {
		b, err := window.Decode(r.Value)
		if err != nil {
			continue
		}
		if p, err := a.Add(b); err == nil && p != nil {
			all = append(all, p)
		}
	}
	return all
}

// incomplete returns the starts of the panes that say so, and how many report offsets they miss.
func incomplete(panes []*window.Pane) (starts []int64, lost int64) {
	for _, p := range panes {
		lost += p.Seal.Totals.Lost
		if p.Seal.Totals.Incomplete {
			starts = append(starts, p.Start)
		}
	}
	return starts, lost
}

func TestARestartGoesOnBehindTheLastSeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		for i, mark := range []int64{200_000, 260_000, 330_000} {
			send(t, log, int64(i), mark)
			if err := runFor(t, log, time.Second); err != nil {
				t.Fatal(err)
			}
		}
		var starts []int64
		for _, r := range written(t, log) {
			b, err := window.Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			starts = append(starts, b.Head.Chunk.Whole)
		}
		if want := []int64{60_000, 120_000, 180_000, 240_000}; len(starts) != len(want) || starts[0] != want[0] || starts[3] != want[3] {
			t.Errorf("panes %v, want %v", starts, want)
		}
	})
}
