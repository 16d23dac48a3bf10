package kafkalog

import (
	"context"
	"testing"

	"detour/internal/dataflow"
)

// TestHealthFollowsTheBroker: one that goes away is seen in the calls that wait for it, one that is back in that none does.
func TestHealthFollowsTheBroker(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 1)
	if _, _, err := c.Bounds(bounded(t), p0); err != nil {
		t.Fatal(err)
	}
	if h := c.Health(); h.Answered.IsZero() || h.Waiting != 0 {
		t.Errorf("a broker that answers: %+v", h)
	}
	cluster.Close()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = c.Fetch(ctx, p0, 0)
	}()
	eventually(t, "a call waits", func() bool { return c.Health().Waiting > 0 })
	if h := c.Health(); h.For != p0.String() || h.Why == "" {
		t.Errorf("a broker that is away: %+v", h)
	}
	stop()
	<-done
	if h := c.Health(); h.Waiting != 0 || h.Stuck != 0 {
		t.Errorf("nobody waits: %+v", h)
	}
}

// TestAGroupTellsItsGenerations: who watches hears what was given, and of the end.
func TestAGroupTellsItsGenerations(t *testing.T) {
	t.Parallel()
	_, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 2)
	heard := make(chan int, 10)
	g := NewGroup(c)
	g.Joined = func(group string, partitions int) {
		if group != "told" {
			t.Errorf("group %s", group)
		}
		heard <- partitions
	}
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- g.Run(ctx, "told", p0.Topic, func(ctx context.Context, _ dataflow.Assignment) error {
			<-ctx.Done()
			return nil
		})
	}()
	if n := <-heard; n != 2 {
		t.Errorf("the only member was given %d of 2 partitions", n)
	}
	leave()
	if n := <-heard; n != -1 {
		t.Errorf("leaving was told as %d", n)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
