package kafkalog

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// leaveGrace is how long leaving waits for a join in progress, which others answer within a heartbeat or two: a
	// member that goes without a word keeps its partitions idle for a session.
	leaveGrace = 3 * time.Second
	// leaveTimeout is how long the leaving itself may then take.
	leaveTimeout = 2 * time.Second
)

// line is the connections of one membership. kafka-go's ConsumerGroup cannot be interrupted while it joins, which may
// take as long as the slowest member; closing its connections under it can.
type line struct {
	ctx context.Context // ends: no more dialing
	cut context.CancelFunc

	mu   sync.Mutex
	open map[*tracked]struct{}
}

func newLine() *line {
	ctx, cut := context.WithCancel(context.Background())
	return &line{ctx: ctx, cut: cut, open: make(map[*tracked]struct{})}
}

func (l *line) dialer(c *Client) *kafka.Dialer {
	return &kafka.Dialer{
		ClientID:      c.cfg.ClientID,
		Timeout:       dialTimeout,
		DialFunc:      l.dial,
		TLS:           c.transport.TLS,
		SASLMechanism: c.transport.SASL,
	}
}

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	t := &tracked{Conn: conn, line: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[t] = struct{}{}
	return t, nil
}

// leave closes the group and returns when all of its goroutines have ended: as soon as work has, plus a few seconds at most.
func (l *line) leave(cg *kafka.ConsumerGroup, working *sync.WaitGroup) {
	defer l.cut()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = cg.Close() // always nil
	}()
	working.Wait()
	for _, step := range []struct {
		patience time.Duration
		then     func()
	}{
		{leaveGrace, l.hangUp},
		{leaveTimeout, func() { l.cut(); l.hangUp() }},
	} {
		select {
		case <-closed:
			return
		case <-time.After(step.patience):
			step.then()
		}
	}
	<-closed
}

// hangUp closes all connections.
func (l *line) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for t := range l.open {
		_ = t.Conn.Close() // whoever uses it gets the error
	}
}

// tracked is a connection that its line knows of until it is closed.
type tracked struct {
	net.Conn
	line *line
}

func (t *tracked) Close() error {
	t.line.mu.Lock()
	delete(t.line.open, t)
	t.line.mu.Unlock()
	return t.Conn.Close()
}
