package worker

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
)

func trim(t *testing.T, log *memlog.Log, p schemas.Partition, to int64) {
	t.Helper()
	if err := log.Trim(p, to); err != nil {
		t.Fatal(err)
	}
}

func TestAWindowsPartitionThatLostItsSealsIsRefused(t *testing.T) {
	log := memlog.All(1)
	if _, err := log.Append(t.Context(), windows, []schemas.Record{{Value: []byte("a")}, {Value: []byte("b")}}); err != nil {
		t.Fatal(err)
	}
	trim(t, log, windows, 1)
	var fatal dataflow.Fatal
	if _, err := newWorker(log).Resume(t.Context(), 0); !errors.As(err, &fatal) || !strings.Contains(err.Error(), "topic prefix") {
		t.Error(err)
	}
}

func TestSamplesThatRetentionTookAreAHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		var said bytes.Buffer
		w := newWorker(log)
		w.Logger = zerolog.New(&said)
		for i, mark := range []int64{200_000, 260_000, 330_000, 570_000, 930_000} {
			send(t, log, int64(i), mark)
			if i == 0 {
				run(t, w)
			}
		}
		trim(t, log, samples, 3)
		run(t, w)
		panes := readBack(t, log)
		marked, lost := incomplete(panes)
		if len(panes) != 14 || lost != 2 || !slices.Equal(marked, []int64{180_000, 240_000, 300_000, 360_000, 420_000, 480_000, 540_000}) {
			t.Errorf("%d panes, %v incomplete, %d lost", len(panes), marked, lost)
		}
		if !strings.Contains(said.String(), `"level":"error","partition":"samples/0","from":1,"to":3,"lost":2`) {
			t.Error(said.String())
		}
		before := len(written(t, log))
		run(t, w) // who resumes behind it has nothing to add
		if after := len(written(t, log)); after != before || strings.Count(said.String(), "lost") != 2 {
			t.Errorf("%d records, then %d: %s", before, after, said.String())
		}
	})
}

// run lets w work until it waits, and fails the test on an error.
func run(t *testing.T, w *Worker) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	if err := w.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestSamplesThatWereTakenBeforeTheFirstPaneAreAHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		for i, mark := range []int64{70_000, 130_000, 200_000, 400_000} {
			send(t, log, int64(i), mark)
		}
		trim(t, log, samples, 2)
		run(t, newWorker(log))
		if marked, _ := incomplete(readBack(t, log)); !slices.Equal(marked, []int64{60_000, 120_000, 180_000}) {
			t.Errorf("%v incomplete", marked)
		}
	})
}

// overtaken is a log whose retention removes samples just before they are read.
type overtaken struct {
	*memlog.Log
	t  *testing.T
	at int64 // this offset's reader comes too late
	to int64
}

func (o *overtaken) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	if p == samples && offset == o.at {
		trim(o.t, o.Log, samples, o.to)
		o.at = -1
	}
	f, err := o.Log.Fetch(ctx, p, offset)
	if p == samples && o.at >= 0 { // a record at a time
		f.Records = f.Records[:min(1, len(f.Records))]
		f.Next = offset + int64(len(f.Records))
	}
	return f, err
}

func TestRetentionThatOvertakesTheReaderEndsTheGenerationAndTheNextGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		for i, mark := range []int64{70_000, 200_000, 260_000, 330_000, 500_000} {
			send(t, log, int64(i), mark)
		}
		w := newWorker(log)
		w.Log = &overtaken{Log: log, t: t, at: 2, to: 4}
		var fatal dataflow.Fatal
		if err := w.Run(t.Context()); !errors.Is(err, dataflow.ErrOutOfRange) || errors.As(err, &fatal) {
			t.Fatal(err)
		}
		run(t, w)
		panes := readBack(t, log)
		marked, lost := incomplete(panes)
		if len(panes) != 7 || lost != 2 || !slices.Equal(marked, []int64{180_000, 240_000, 300_000, 360_000, 420_000}) {
			t.Errorf("%d panes, %v incomplete, %d lost", len(panes), marked, lost)
		}
	})
}
