package dns

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

const (
	// idleTimeout is how long a connection may take for its next query, from the first byte awaited to the last.
	idleTimeout = 10 * time.Second
	// writeTimeout is how long a peer may leave its answers lying; also the most that a stop has to wait for.
	writeTimeout = 500 * time.Millisecond
	// maxConns bounds memory and file descriptors: TCP is for the rare truncated answer.
	maxConns = 1024
	// maxConnsPerPeer keeps one peer from taking all of them (RFC 7766 section 6.2.2).
	maxConnsPerPeer = 32
)

// serveTCP accepts connections until ctx ends, and waits for those that it accepted.
func (s *Server) serveTCP(ctx context.Context, listener *net.TCPListener, seats *seats) error {
	var conns sync.WaitGroup
	defer conns.Wait()
	for {
		conn, err := listener.AcceptTCP()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept on %s: %w", listener.Addr(), err)
		case err != nil:
			s.noisy.Warn().Err(err).Msg("connection not accepted")
			time.Sleep(readPause)
			continue
		}
		peer := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr()
		if !seats.take(peer) {
			_ = conn.Close()
			continue
		}
		conns.Go(func() {
			defer seats.leave(peer)
			s.serveConn(ctx, conn, peer)
		})
	}
}

// serveConn answers a connection's queries in their order, until it is idle, closed or of no use.
func (s *Server) serveConn(ctx context.Context, conn *net.TCPConn, peer netip.Addr) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(past) })()
	var packet []byte
	for {
		_ = conn.SetReadDeadline(time.Now().Add(idleTimeout))
		if ctx.Err() != nil { // the stop may have come before the deadline was set
			return
		}
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		packet = append(packet[:0], make([]byte, binary.BigEndian.Uint16(size[:]))...)
		if _, err := io.ReadFull(conn, packet); err != nil {
			return
		}
		reply := s.respond(nil, packet, peer, false)
		if reply == nil {
			return
		}
		_ = conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(reply)), uint16(len(reply)))
		if _, err := conn.Write(append(framed, reply...)); err != nil {
			return
		}
	}
}

// seats counts connections.
type seats struct {
	mu    sync.Mutex
	total int
	by    map[netip.Addr]int
}

func newSeats() *seats { return &seats{by: make(map[netip.Addr]int)} }

// take reports whether one more connection of a peer is within the limits, and counts it if so.
func (s *seats) take(peer netip.Addr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= maxConns || s.by[peer] >= maxConnsPerPeer {
		return false
	}
	s.total++
	s.by[peer]++
	return true
}

func (s *seats) leave(peer netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.by[peer]--; s.by[peer] == 0 {
		delete(s.by, peer)
	}
}
