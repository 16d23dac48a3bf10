package kafkalog

import (
	"context"
	"sync/atomic"
	"testing"

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
