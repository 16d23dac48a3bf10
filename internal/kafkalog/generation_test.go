package kafkalog

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"

	"detour/internal/dataflow"
	"detour/schemas"
)

// committed asks for a group's position in samples/0.
func committed(t testing.TB, c *Client, group string) int64 {
	t.Helper()
	s := share{c: c, gen: &kafka.Generation{GroupID: group}, partition: p0}
	a, err := s.assignment(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	return a.Offset
}

// TestPartitionsAdded: they are assigned without anybody joining or leaving.
func TestPartitionsAdded(t *testing.T) {
	t.Parallel()
	_, addr := broker(t)
	c, ctx := client(t, testConfig(addr), uniqueNames(), 1), bounded(t)
	g := NewGroup(c)
	g.watch = 50 * time.Millisecond
	run, cancel := context.WithCancel(ctx)
	var owned atomic.Int64
	ended := make(chan error)
	go func() {
		ended <- g.Run(run, "added", schemas.Reports, func(ctx context.Context, _ dataflow.Assignment) error {
			owned.Add(1)
			defer owned.Add(-1)
			<-ctx.Done()
			return nil
		})
	}()
	eventually(t, "one partition", func() bool { return owned.Load() == 1 })
	res, err := c.kafka.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: c.names.Reports, Count: 3}},
	})
	if err != nil || res.Errors[c.names.Reports] != nil {
		t.Fatal(err, res)
	}
	eventually(t, "three partitions", func() bool { return owned.Load() == 3 })
	eventually(t, "three counted", func() bool { n, err := c.Partitions(ctx, schemas.Reports); return n == 3 && err == nil })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestRunLeavesNothing: when Run returns, work and all goroutines have ended, and the member has left.
func TestRunLeavesNothing(t *testing.T) {
	cluster, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 3)
	c.Close()
	before := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancel(t.Context())
	var working atomic.Int64
	ended := make(chan error)
	go func() {
		ended <- NewGroup(c).Run(ctx, "clean", schemas.Samples, func(ctx context.Context, a dataflow.Assignment) error {
			working.Add(1)
			defer working.Add(-1)
			<-ctx.Done()
			// The last commit of a stopping member is still good.
			return a.Commit(context.WithoutCancel(ctx), 7, "last")
		})
	}()
	eventually(t, "working", func() bool { return working.Load() == 3 })
	cancel()
	if err := <-ended; err != nil || working.Load() != 0 {
		t.Errorf("ended with %v, %d working", err, working.Load())
	}
	if g := cluster.GroupInfo("clean"); g != nil && len(g.Members) != 0 {
		t.Errorf("%d members stayed", len(g.Members))
	}
	if offset := committed(t, c, "clean"); offset != 7 {
		t.Errorf("committed %d", offset)
	}
	c.Close()
	goleak.VerifyNone(t, before)
}

// TestLeaveDuringJoin: a member that waits for others to join can be stopped.
func TestLeaveDuringJoin(t *testing.T) {
	t.Parallel()
	_, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 2)
	in, stuck := make(chan struct{}, 2), make(chan struct{})
	leave := joined(t, c, "stuck", func(ctx context.Context, _ dataflow.Assignment) error {
		in <- struct{}{}
		<-stuck // work that does not end holds up the group
		return nil
	})
	<-in
	second := joined(t, c, "stuck", func(ctx context.Context, _ dataflow.Assignment) error { <-ctx.Done(); return nil })
	time.Sleep(300 * time.Millisecond) // more than a heartbeat: the second is joining
	if err := second(); err != nil {
		t.Error(err)
	}
	close(stuck)
	if err := leave(); err != nil {
		t.Error(err)
	}
}
