package broker

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
)

// line is how a member of a group is connected, until it is cut.
type line struct {
	mu    sync.Mutex
	dead  bool
	conns []net.Conn
}

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return nil, net.ErrClosed
	}
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		l.conns = append(l.conns, c)
	}
	return c, err
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
	for _, c := range l.conns {
		_ = c.Close()
	}
}

func join(t *testing.T, addr net.Addr, l *line) *kafka.ConsumerGroup {
	t.Helper()
	g, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: "g", Brokers: []string{addr.String()}, Topics: []string{"t"}, Dialer: &kafka.Dialer{DialFunc: l.dial},
		HeartbeatInterval: time.Second, SessionTimeout: 3 * time.Second, RebalanceTimeout: 20 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

func TestAMemberThatDiesWhileItJoinsLosesItsPartitions(t *testing.T) {
	b := New(Config{MinSession: 100 * time.Millisecond}, zerolog.Nop())
	c := start(t, b)
	create(t, c, "t")
	ctx, stop := context.WithTimeout(t.Context(), 15*time.Second)
	defer stop()
	group := join(t, c.Addr, &line{})
	assigned := func(want int) {
		t.Helper()
		g, err := group.Next(ctx)
		if err != nil || len(g.Assignments["t"]) != want {
			t.Fatalf("%+v, %v; want %d partitions", g, err, want)
		}
	}
	assigned(2)
	var other line
	join(t, c.Addr, &other)
	time.Sleep(300 * time.Millisecond) // now it waits: the first hears of it by its next heartbeat
	other.cut()
	assigned(1) // the rest is the dead one's
	assigned(2)
}
