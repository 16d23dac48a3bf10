package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/miekg/dns"
)

const (
	// readSize is above any query that makes sense over UDP; a longer one arrives cut and is answered with FORMERR.
	readSize = 4096
	// readPause keeps a socket that fails for a while (no memory, say) from taking a whole core.
	readPause = 10 * time.Millisecond
)

// past is a deadline that is over: setting it ends the reads that wait.
var past = time.Unix(1, 0)

// serveUDP answers queries one after the other. Several of it share a socket, so what is in progress is bounded by their
// number and what waits by the socket's buffer: under overload the kernel drops queries, and resolvers ask again.
func (s *Server) serveUDP(ctx context.Context, conn *net.UDPConn) error {
	packet, out := make([]byte, readSize), make([]byte, readSize)
	for {
		n, session, err := dns.ReadFromSessionUDP(conn, packet)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("read queries on %s: %w", conn.LocalAddr(), err)
		case err != nil:
			s.noisy.Warn().Err(err).Msg("query not read")
			time.Sleep(readPause)
			continue
		}
		source := session.RemoteAddr().(*net.UDPAddr).AddrPort().Addr()
		reply := s.respond(out, packet[:n], source, true)
		if reply == nil {
			continue
		}
		if _, err := dns.WriteToSessionUDP(conn, reply, session); err != nil {
			s.noisy.Warn().Err(err).Msg("answer not sent") // the resolver asks again
		}
	}
}
