// Package admin lets a process be watched over HTTP: its metrics, whether it lives and whether it is ready, and on an
// address of its own the profiles of its runtime. It serves whoever can connect, so both are off by default, and who asks
// too much or too slowly is turned away.
package admin

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"
)

// Limits of both servers.
const (
	readTimeout  = 5 * time.Second  // a request has no body
	writeTimeout = 30 * time.Second // of a page of metrics, over a slow line
	profileTime  = 5 * time.Minute  // of a profile, which is collected for as long as was asked for
	idleTimeout  = time.Minute      // above the usual interval of scrapes
	headerBytes  = 8 << 10
	stopPatience = time.Second

	maxConns   = 64
	maxProfile = 4 // connections
)

// Server serves what the configuration turns on.
type Server struct {
	// Live says whether the process goes round: no is a reason to restart it. Ready says whether it does its job now.
	Live, Ready Checks

	cfg     Config
	metrics http.Handler
	log     zerolog.Logger
}

// New returns a server that listens once it runs. Metrics answers /metrics.
func New(cfg Config, metrics http.Handler, log zerolog.Logger) *Server {
	return &Server{cfg: cfg, metrics: metrics, log: log.With().Str("component", "admin").Logger()}
}

// Run serves until ctx ends; then it returns nil within seconds. An address that can't be bound is an error at once.
func (s *Server) Run(ctx context.Context) error {
	parts := []part{
		{s.cfg.Listen, maxConns, writeTimeout, s.Handler()},
		{s.cfg.Pprof, maxProfile, profileTime, Profiles()},
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, p := range parts {
		if p.address != "" {
			g.Go(func() error { return p.run(ctx, s.log) })
		}
	}
	return g.Wait()
}

// Handler returns the admin pages without a listener.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics)
	mux.Handle("GET /livez", &s.Live)
	mux.Handle("GET /readyz", &s.Ready)
	return mux
}

// Profiles returns /debug/pprof/ without a listener.
func Profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// part is what is served on one address.
type part struct {
	address string
	conns   int // at a time; more wait to be accepted
	write   time.Duration
	handler http.Handler
}

func (p *part) run(ctx context.Context, log zerolog.Logger) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", p.address)
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	log.Info().Stringer("address", l.Addr()).Msg("listening")
	server := &http.Server{
		Handler: p.handler, ReadTimeout: readTimeout, WriteTimeout: p.write, IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes,
		ErrorLog: stdlog.New(log, "", 0),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
		defer cancel()
		_ = server.Shutdown(patience)
		_ = server.Close() // who reads a profile for minutes is not waited for
	})
	err = server.Serve(netutil.LimitListener(l, p.conns))
	if stop() { // it ended by itself
		return fmt.Errorf("admin: %w", errors.Join(err, server.Close()))
	}
	<-stopped
	return nil
}
