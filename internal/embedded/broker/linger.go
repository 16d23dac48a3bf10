package broker

import (
	"net"
	"sync"
	"time"
)

// linger is longer than a group waits for its members to join.
const linger = time.Minute

// lingering accepts connections whose end the broker hears of late. kfake starts no session for a member whose connection
// ended while it waited to join: such a member, killed in the middle of a rebalance, would keep the partitions that the
// next one gives it, for good. While the broker takes the connection for alive, the member's session begins, and ends.
type lingering struct{ net.Listener }

func (l lingering) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &lingeringConn{Conn: c, closed: make(chan struct{})}, nil
}

type lingeringConn struct {
	net.Conn
	once   sync.Once
	closed chan struct{} // by the broker
}

func (c *lingeringConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil {
		return n, nil
	}
	select {
	case <-time.After(linger):
	case <-c.closed:
	}
	return n, err
}

func (c *lingeringConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}
