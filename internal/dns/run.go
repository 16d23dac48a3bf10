package dns

import (
	"context"
	"errors"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Run listens on every address and answers until ctx ends; then it returns nil within a second. An address that cannot
// be bound is an error that names it. Call it once.
func (s *Server) Run(ctx context.Context) error {
	endpoints, err := s.bindAll()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	seats := newSeats()
	for _, e := range endpoints {
		stop := context.AfterFunc(ctx, func() {
			_ = e.udp.SetReadDeadline(past)
			_ = e.tcp.Close()
		})
		defer stop()
		defer e.close()
		for range runtime.GOMAXPROCS(0) {
			group.Go(func() error { return s.serveUDP(ctx, e.udp) })
		}
		group.Go(func() error { return s.serveTCP(ctx, e.tcp, seats) })
	}
	close(s.ready)
	s.log.Info().Any("listen", s.addrs).Str("zone", s.zone.apex).Msg("answering")
	return group.Wait()
}

func (s *Server) bindAll() ([]endpoint, error) {
	var endpoints []endpoint
	for _, addr := range s.config.Listen {
		e, err := listen(addr)
		if err != nil {
			for _, bound := range endpoints {
				err = errors.Join(err, bound.close())
			}
			return nil, err
		}
		endpoints = append(endpoints, e)
		s.addrs = append(s.addrs, e.addr())
	}
	return endpoints, nil
}
