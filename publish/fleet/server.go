package fleet

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"

	"github.com/rs/zerolog"
)

// Server is the fleet's HTTP API over a Store:
//
//	GET /v1/manifest                  the last version's manifest; ?wait=30s with If-None-Match waits for a newer one
//	GET /v1/maps/{version}            that version's canonical bytes
//	GET /v1/maps/{version}/manifest   that version's manifest
//	GET /livez                        the process answers
//	GET /readyz                       there is a version to serve
//
// HEAD works wherever GET does. Errors are JSON: {"error": "..."}.
type Server struct {
	// Answered, if set (before it serves), hears of every answer: the pattern of the route, as above, and the status.
	Answered func(route string, code int)

	cfg   Config
	store *Store
	log   zerolog.Logger
	polls chan struct{} // holds one element a waiting long poll
}

// New returns a server; it listens once it runs.
func New(cfg Config, store *Store, log zerolog.Logger) *Server {
	return &Server{
		cfg: cfg, store: store,
		log:   log.With().Str("component", "fleet").Logger(),
		polls: make(chan struct{}, cfg.MaxPolls),
	}
}

// Run listens on the configured address and serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	return s.Serve(ctx, l)
}

// Serve serves on l, which it closes, until ctx ends: then it wakes the long polls, gives downloads under way a moment,
// and returns nil.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	secure, err := s.cfg.TLS.Load()
	if err != nil {
		return errors.Join(fmt.Errorf("fleet: %w", err), l.Close())
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{
		Handler:           s.Handler(),
		TLSConfig:         secure,
		ReadHeaderTimeout: readHeader,
		ReadTimeout:       write,
		WriteTimeout:      write,
		IdleTimeout:       idle,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          stdlog.New(s.log, "", 0),
		BaseContext:       func(net.Listener) context.Context { return ctx }, // so its end reaches every long poll
	}
	s.log.Info().Stringer("address", l.Addr()).Bool("tls", secure != nil).Msg("listening")
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
		defer cancel()
		stopped <- errors.Join(server.Shutdown(patience), server.Close())
	}()
	serve := server.Serve
	if secure != nil {
		serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
	}
	served := serve(l)
	stop()
	if err := <-stopped; err != nil {
		s.log.Warn().Err(err).Msg("cut connections short")
	}
	if !errors.Is(served, http.ErrServerClosed) {
		return fmt.Errorf("fleet: %w", served)
	}
	return nil
}
