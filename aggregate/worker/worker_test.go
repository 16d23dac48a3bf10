package worker

import (
	"context"
	"strings"
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

func TestARestartGoesOnBehindTheLastSeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		for i, mark := range []int64{200_000, 260_000, 330_000} {
			send(t, log, int64(i), mark)
			if err := runFor(t, log, time.Second); err != nil {
				t.Fatal(err)
			}
		}
		_, end, _ := log.Bounds(t.Context(), windows)
		records, err := dataflow.Range(t.Context(), log, windows, 0, end)
		if err != nil {
			t.Fatal(err)
		}
		var starts []int64
		for _, r := range records {
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

func TestAWindowsPartitionThatLostItsSealsIsRefused(t *testing.T) {
	log := memlog.All(1)
	if _, err := log.Append(t.Context(), windows, []schemas.Record{{Value: []byte("a")}, {Value: []byte("b")}}); err != nil {
		t.Fatal(err)
	}
	if err := log.Trim(windows, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := newWorker(log).Resume(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "retention") {
		t.Error(err)
	}
}

func TestSamplesThatRetentionTookAreAHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		for i, mark := range []int64{200_000, 260_000, 330_000, 930_000} {
			send(t, log, int64(i), mark)
			if i == 0 {
				if err := runFor(t, log, time.Second); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := log.Trim(samples, 3); err != nil {
			t.Fatal(err)
		}
		if err := runFor(t, log, time.Second); err != nil {
			t.Fatal(err)
		}
		_, end, _ := log.Bounds(t.Context(), windows)
		records, err := dataflow.Range(t.Context(), log, windows, 0, end)
		if err != nil {
			t.Fatal(err)
		}
		holes := int64(0)
		for _, r := range records {
			b, err := window.Decode(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			holes += b.Head.Seal.Totals.Holes
		}
		if len(records) != 14 || holes != 1 {
			t.Errorf("%d panes with %d holes", len(records), holes)
		}
	})
}

func TestRubbishInWindowsIsNoSeal(t *testing.T) {
	log := memlog.All(1)
	if _, err := log.Append(t.Context(), windows, []schemas.Record{{Value: []byte("a")}}); err != nil {
		t.Fatal(err)
	}
	m, err := newWorker(log).Resume(t.Context(), 0)
	if err != nil || m.Next().Offset != 0 {
		t.Errorf("%v, %v", m, err)
	}
}
