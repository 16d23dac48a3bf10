package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"detour/internal/dataflow"
	"detour/schemas"
)

// joined starts a member and returns how to end it and wait for it.
func joined(t testing.TB, c *Client, group string, work Work) (leave func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var err error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = NewGroup(c).Run(ctx, group, schemas.Samples, work)
	}()
	leave = func() error { cancel(); <-ended; return err }
	t.Cleanup(func() { _ = leave() })
	return leave
}

// eventually waits for a condition for as long as a test may take.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// groupShares has members come and go while each counts a partition's offset up by commits. An offset that was
// committed twice would mean two owners at once.
func groupShares(t *testing.T, newLog func(testing.TB, int) *Client) {
	const partitions = 4
	c := newLog(t, partitions)
	var (
		mu        sync.Mutex
		committed = map[schemas.Partition]map[int64]bool{}
		total     atomic.Int64
	)
	counter := func(owned *atomic.Int64) Work {
		return func(ctx context.Context, a dataflow.Assignment) error {
			owned.Add(1)
			defer owned.Add(-1)
			if want := fmt.Sprintf("at %d", a.Offset); a.Offset >= 0 && a.Metadata != want {
				t.Errorf("%s: offset %d came with metadata %q", a.Partition, a.Offset, a.Metadata)
			}
			for offset := max(a.Offset, 0) + 1; ctx.Err() == nil; offset++ {
				// A commit that is under way when the assignment ends is finished, as a runner does.
				if err := a.Commit(context.WithoutCancel(ctx), offset, fmt.Sprintf("at %d", offset)); err != nil {
					return err
				}
				mu.Lock()
				if committed[a.Partition] == nil {
					committed[a.Partition] = map[int64]bool{}
				}
				if committed[a.Partition][offset] {
					t.Errorf("%s: offset %d was committed twice", a.Partition, offset)
				}
				committed[a.Partition][offset] = true
				mu.Unlock()
				total.Add(1)
			}
			return nil
		}
	}
	progress := func() {
		from := total.Load()
		eventually(t, "commits", func() bool { return total.Load() > from+20 })
	}
	var a, b, extra atomic.Int64
	leaveA := joined(t, c, "share", counter(&a))
	eventually(t, "a has all", func() bool { return a.Load() == partitions })
	progress()
	leaveB := joined(t, c, "share", counter(&b))
	eventually(t, "each has half", func() bool { return a.Load() == partitions/2 && b.Load() == partitions/2 })
	progress()
	if err := leaveA(); err != nil || a.Load() != 0 {
		t.Errorf("a left with %v, working %d", err, a.Load())
	}
	eventually(t, "b has all", func() bool { return b.Load() == partitions })
	progress()
	leaves := []func() error{leaveB}
	for range partitions { // one more member than partitions
		leaves = append(leaves, joined(t, c, "share", counter(&extra)))
	}
	eventually(t, "all are served", func() bool { return b.Load() <= 1 && b.Load()+extra.Load() == partitions })
	progress()
	for _, leave := range leaves {
		if err := leave(); err != nil {
			t.Error(err)
		}
	}
}

func groupFences(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	got := make(chan dataflow.Assignment, 10)
	keep := func(ctx context.Context, a dataflow.Assignment) error {
		got <- a
		<-ctx.Done()
		return nil
	}
	leave := joined(t, c, "fence", keep)
	old := <-got
	if old.Offset != -1 || old.Metadata != "" {
		t.Errorf("nothing was committed, but: %+v", old)
	}
	if err := old.Commit(ctx, 5, "five"); err != nil {
		t.Fatal(err)
	}
	joined(t, c, "fence", keep)
	fresh := <-got // whichever of the two has it
	if err := old.Commit(ctx, 6, "six"); !errors.Is(err, errSuperseded) {
		t.Errorf("a commit of the old generation: %v", err)
	}
	if fresh.Offset != 5 || fresh.Metadata != "five" {
		t.Errorf("the new owner starts at %+v", fresh)
	}
	if err := leave(); err != nil {
		t.Error(err)
	}
}

func groupErrors(t *testing.T, newLog func(testing.TB, int) *Client) {
	c := newLog(t, 2)
	bad := errors.New("bad")
	var calls atomic.Int64
	leave := joined(t, c, "errors", func(ctx context.Context, a dataflow.Assignment) error {
		if calls.Add(1) == 1 {
			return bad
		}
		<-ctx.Done()
		return ctx.Err()
	})
	eventually(t, "joined again", func() bool { return calls.Load() >= 3 })
	if err := leave(); err != nil {
		t.Errorf("left with %v", err)
	}
	err := NewGroup(c).Run(bounded(t), "fatal", schemas.Samples, func(ctx context.Context, a dataflow.Assignment) error {
		if a.Partition.Number == 1 {
			return dataflow.Fatal{Err: bad}
		}
		<-ctx.Done()
		return nil
	})
	if fatal := (dataflow.Fatal{}); !errors.As(err, &fatal) || !errors.Is(err, bad) {
		t.Errorf("fatal: %v", err)
	}
}

// groupOnce joins, is assigned something, and leaves.
func groupOnce(t testing.TB, c *Client) {
	t.Helper()
	in := make(chan struct{}, 1)
	leave := joined(t, c, "once", func(ctx context.Context, _ dataflow.Assignment) error {
		in <- struct{}{}
		<-ctx.Done()
		return nil
	})
	<-in
	if err := leave(); err != nil {
		t.Error(err)
	}
}
