package dataflow_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
)

var (
	in  = schemas.Partition{Topic: schemas.Samples}
	out = schemas.Partition{Topic: schemas.Windows}
)

// echo returns every record twice: to the windows partition and to rejects.
type echo struct {
	next  int64
	calls int // of Apply
	fail  error
}

func (e *echo) Next() schemas.Input { return schemas.Input{Partition: in, Offset: e.next, Wait: true} }

func (e *echo) Apply(records []schemas.Record, next int64) (caused []schemas.Record, err error) {
	e.next, e.calls = next, e.calls+1
	for _, r := range records {
		for _, p := range []schemas.Partition{out, {Topic: schemas.Rejects}} {
			caused = append(caused, schemas.Record{Partition: p, Value: r.Value})
		}
	}
	return caused, e.fail
}

func fill(t *testing.T, log *memlog.Log, p schemas.Partition, values ...string) {
	t.Helper()
	for _, v := range values {
		if _, err := log.Append(t.Context(), p, []schemas.Record{{Value: []byte(v)}}); err != nil {
			t.Fatal(err)
		}
	}
}

func values(t *testing.T, log *memlog.Log, p schemas.Partition) (all []string) {
	t.Helper()
	start, end, err := log.Bounds(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	records, err := dataflow.Range(t.Context(), log, p, start, end)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		all = append(all, string(r.Value))
	}
	return all
}

func TestRunnerAppendsWhatIsCausedInOrderThenCallsApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		fill(t, log, in, "a", "b", "c")
		ctx, stop := context.WithCancel(t.Context())
		machine := &echo{}
		applied, idle := 0, 0
		runner := dataflow.Runner{
			Log: log, Machine: machine,
			Applied: func(context.Context) error {
				if _, end, _ := log.Bounds(ctx, out); end != machine.next {
					t.Errorf("told of %d records when %d were in the log", machine.next, end)
				}
				applied++
				return nil
			},
			Idle: func(_ context.Context, p schemas.Partition) error {
				if p != in {
					t.Errorf("idle at %s", p)
				}
				if idle++; idle == 3 {
					stop()
				}
				return nil
			},
		}
		if err := runner.Run(ctx); err != nil {
			t.Error(err)
		}
		if applied != 1 || idle != 3 {
			t.Errorf("applied %d times, idle %d times", applied, idle)
		}
		for _, p := range []schemas.Partition{out, {Topic: schemas.Rejects}} {
			if got := values(t, log, p); !slices.Equal(got, []string{"a", "b", "c"}) {
				t.Errorf("%s holds %v", p, got)
			}
		}
	})
}

func TestRunnerErrors(t *testing.T) {
	log := memlog.All(1)
	fill(t, log, in, "a", "b")
	boom := errors.New("boom")
	runner := dataflow.Runner{Log: log, Machine: &echo{fail: boom}}
	err := runner.Run(t.Context())
	if fatal, ok := errors.AsType[dataflow.Fatal](err); !ok || !errors.Is(fatal, boom) || !strings.Contains(err.Error(), "samples/0@0") {
		t.Errorf("of a machine: %v", err)
	}
	runner = dataflow.Runner{Log: log, Machine: &echo{fail: schemas.ErrSuperseded}}
	if err = runner.Run(t.Context()); errors.As(err, new(dataflow.Fatal)) || !errors.Is(err, schemas.ErrSuperseded) {
		t.Errorf("of a machine that was superseded: %v", err)
	}
	if err := log.Trim(in, 2); err != nil {
		t.Fatal(err)
	}
	runner = dataflow.Runner{Log: log, Machine: &echo{next: 1}}
	err = runner.Run(t.Context())
	if !errors.Is(err, dataflow.ErrOutOfRange) || !strings.Contains(err.Error(), "samples/0@1") || !strings.Contains(err.Error(), "[2, 2)") {
		t.Errorf("of an overrun: %v", err)
	}
	runner = dataflow.Runner{Log: log, Machine: &echo{next: 2}, Idle: func(context.Context, schemas.Partition) error { return boom }}
	if err = runner.Run(t.Context()); !errors.Is(err, boom) {
		t.Errorf("of a hook: %v", err)
	}
}

// counting counts appends and the bytes of the largest.
type counting struct {
	*memlog.Log
	appends, largest int
}

func (c *counting) Append(ctx context.Context, p schemas.Partition, records []schemas.Record) (int64, error) {
	size := 0
	for _, r := range records {
		size += len(r.Value)
	}
	c.appends, c.largest = c.appends+1, max(c.largest, size)
	return c.Log.Append(ctx, p, records)
}

// bulk causes many large records at once.
type bulk struct{ echo }

func (b *bulk) Apply(_ []schemas.Record, next int64) (caused []schemas.Record, err error) {
	b.next = next
	for i := range 10 {
		value := fmt.Sprint(i, strings.Repeat("x", 300<<10))
		caused = append(caused, schemas.Record{Partition: out, Value: []byte(value)})
	}
	return append(caused, schemas.Record{Partition: out, Value: []byte(strings.Repeat("y", 2<<20))}), nil
}

func TestLargeOutputsAreSplitIntoAppendsBelowTheLimit(t *testing.T) {
	log := &counting{Log: memlog.All(1)}
	fill(t, log.Log, in, "go")
	runner := dataflow.Runner{Log: log, Machine: &bulk{}}
	ctx, stop := context.WithCancel(t.Context())
	runner.Applied = func(context.Context) error { stop(); return nil }
	if err := runner.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if got := values(t, log.Log, out); len(got) != 11 || got[9][0] != '9' || got[10][0] != 'y' {
		t.Errorf("%d records", len(got))
	}
	if log.appends != 6 || log.largest > 2<<20 { // 2 at a time, the one above the limit alone
		t.Errorf("%d appends, the largest of %d bytes", log.appends, log.largest)
	}
}

func TestTailReadsBackUntilItHasEnough(t *testing.T) {
	log := memlog.All(1)
	for i := range 2000 {
		fill(t, log, in, fmt.Sprint(i))
	}
	if err := log.Trim(in, 100); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ oldest, read int64 }{{1999, 1936}, {1936, 1936}, {1935, 1488}, {1000, 100}, {100, 100}, {50, 100}} {
		var first int64
		end, whole, err := dataflow.Tail(t.Context(), log, in, func(records []schemas.Record) (bool, error) {
			first = records[0].Offset
			return first <= c.oldest, nil
		})
		if err != nil || end != 2000 || whole || first != c.read {
			t.Errorf("back to %d: read from %d to %d, whole %t, %v", c.oldest, first, end, whole, err)
		}
	}
	_, whole, err := dataflow.Tail(t.Context(), log, out, func(records []schemas.Record) (bool, error) { return len(records) > 0, nil })
	if err != nil || !whole {
		t.Errorf("an empty partition: whole %t, %v", whole, err)
	}
}

func TestSoleRunsTheResumedMachineAndTellsItsPosition(t *testing.T) {
	log := memlog.All(1)
	fill(t, log, in, "a", "b")
	sole := dataflow.Sole{
		Group: "g", Log: log, Members: memlog.NewGroup(log), Input: schemas.Samples,
		Resume: func(context.Context) (schemas.Machine, error) { return &echo{next: 1}, nil },
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- sole.Run(ctx) }()
	for sole.Position() != 2 {
		if ctx.Err() != nil {
			t.Fatal("it ended early")
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := values(t, log, out); !slices.Equal(got, []string{"b"}) {
		t.Errorf("appended %v", got)
	}
}

func TestSoleResumesBehindWhoOvertookIt(t *testing.T) {
	log := memlog.All(1)
	fill(t, log, in, "a", "b")
	var lives []*echo
	sole := dataflow.Sole{
		Group: "g", Log: log, Members: memlog.NewGroup(log), Input: schemas.Samples,
		Resume: func(context.Context) (schemas.Machine, error) {
			lives = append(lives, &echo{next: int64(len(lives)), fail: schemas.ErrSuperseded})
			if len(lives) == 3 {
				lives[2].fail = errors.New("enough")
			}
			return lives[len(lives)-1], nil
		},
	}
	if err := sole.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "enough") || len(lives) != 3 {
		t.Errorf("%d lives, %v", len(lives), err)
	}
}
