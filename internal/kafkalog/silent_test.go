package kafkalog

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"detour/internal/dataflow"
)

// TestSilentBroker: it takes connections and never answers. Every call still ends when it is told to.
func TestSilentBroker(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		mu    sync.Mutex
		conns []net.Conn
	)
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
		}
	})
	t.Cleanup(func() {
		listener.Close()
		accepting.Wait()
		for _, c := range conns {
			c.Close()
		}
	})
	c := client(t, testConfig(listener.Addr().String()), uniqueNames(), 0)
	for _, call := range []func(context.Context) error{
		c.WaitReady,
		func(ctx context.Context) error { _, err := c.Fetch(ctx, p0, 0); return err },
		func(ctx context.Context) error { _, err := c.Append(ctx, p0, one("v")); return err },
	} {
		expectCanceled(t, call)
	}
}

// TestLeaveFromSilentBroker: the coordinator stops answering. The member goes without a farewell, but it goes.
func TestLeaveFromSilentBroker(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 1)
	in := make(chan struct{}, 10)
	leave := joined(t, c, "silent", func(ctx context.Context, _ dataflow.Assignment) error {
		in <- struct{}{}
		<-ctx.Done()
		return nil
	})
	<-in
	for _, key := range []kmsg.Key{kmsg.FindCoordinator, kmsg.LeaveGroup, kmsg.JoinGroup, kmsg.Heartbeat} {
		cluster.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			return nil, nil, true
		})
	}
	if err := leave(); err != nil {
		t.Error(err)
	}
}

// TestMemberExpires: a member that was silent for a session hears so from its next commit, and joins again.
func TestMemberExpires(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	cfg := testConfig(addr)
	cfg.SessionTimeout = minSessionTimeout
	c := client(t, cfg, uniqueNames(), 1)
	got := make(chan dataflow.Assignment, 10)
	refused := make(chan error, 1)
	joined(t, c, "expires", func(ctx context.Context, a dataflow.Assignment) error {
		got <- a
		<-ctx.Done()
		err := a.Commit(context.WithoutCancel(ctx), 9, "late")
		select {
		case refused <- err:
		default:
		}
		return err
	})
	first := <-got
	if err := first.Commit(bounded(t), 3, "early"); err != nil {
		t.Fatal(err)
	}
	// Its heartbeats are answered, but go unheard until the coordinator has removed it.
	var removed atomic.Bool
	cluster.ControlKey(int16(kmsg.Heartbeat), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		return r.ResponseKind(), nil, !removed.Load()
	})
	eventually(t, "removed", func() bool { g := cluster.GroupInfo("expires"); return g == nil || len(g.Members) == 0 })
	removed.Store(true)
	if err := <-refused; err == nil {
		t.Error("a removed member's commit was taken")
	}
	if again := <-got; again.Offset != 3 || again.Metadata != "early" {
		t.Errorf("joined again at %+v", again)
	}
}
