// Package chserver speaks ClickHouse's HTTP interface, in front of the engine of package chdb. It is a
// stand-in for a ClickHouse server on a developer's machine and in tests: clickhouse-go (Protocol: HTTP), curl and other
// HTTP clients use it as they use a real one.
//
// What it promises:
//  1. One request is one statement in a session of its own: nothing that it sets is seen by the next one.
//  2. A failed statement is answered with ClickHouse's code, status and text, and costs only itself.
//  3. A request whose client goes away is killed in the engine.
//  4. Sizes are bounded: of statements, inserted data, headers, and of statements that run at once.
//
// What it can't: session_id, external tables, progress headers, roles and more than one user. It serves the rights of the
// user who runs it, so it listens on loopback only, unless it is told otherwise and has a password, and refuses what a
// browser sends on behalf of a foreign page.
package chserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/embedded/chdb"
)

const (
	maxHeaderBytes    = 1 << 20 // ClickHouse's own http_max_uri_size, for a statement in the URL
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxRunning        = 32 // statements at once: each holds a thread of this process and the engine's own
	maxWait           = 30 * time.Second
	stopTimeout       = 5 * time.Second // for running statements to end before they are killed
)

// Config is what a server is made of. The zero value serves a temporary database to everyone on this machine.
type Config struct {
	Listen   string // loopback address and port; empty is a free port of 127.0.0.1
	Remote   bool   // let others than this machine connect: needs a password
	DataDir  string // empty is a temporary folder, removed on Close
	Library  string // path of libchdb.so; empty is chdb.Find's
	User     string // empty: whoever connects is let in
	Password string
}

// Validate names the field that is wrong.
func (c *Config) Validate() error {
	if c.Password != "" && c.User == "" {
		return errors.New("password: needs a user")
	}
	if c.Remote && c.Password == "" {
		return errors.New("password: is empty, and others than this machine may connect")
	}
	if c.Listen == "" || c.Remote {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if !isLoopback(host) {
		return fmt.Errorf("listen: %s is not a loopback address", c.Listen)
	}
	return nil
}

// Server is one server with its engine.
type Server struct {
	cfg     Config
	log     zerolog.Logger
	engine  *chdb.Engine
	version string // the engine's, as error texts end with it
	zone    string // the engine's time zone
	scratch string // holds inserts on their way to the engine, and the database where it is temporary
	http    *http.Server
	kill    context.CancelFunc // ends what runs
	slots   chan struct{}
	served  chan struct{} // closed when the HTTP server has ended
}

// New returns a server that was not started.
func New(cfg Config, log zerolog.Logger) *Server {
	return &Server{cfg: cfg, log: log.With().Str("component", "clickhouse").Logger(), slots: make(chan struct{}, maxRunning)}
}

// Start opens the database, listens, and returns the address, host:port. A server is started once.
func (s *Server) Start() (addr string, err error) {
	if err := s.cfg.Validate(); err != nil {
		return "", err
	}
	if s.scratch, err = os.MkdirTemp("", "detour-clickhouse-"); err != nil {
		return "", fmt.Errorf("create scratch folder: %w", err)
	}
	defer func() {
		if err != nil {
			s.release()
		}
	}()
	if err := s.open(); err != nil {
		return "", err
	}
	listen := s.cfg.Listen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	s.serve(listener)
	s.log.Info().Str("address", listener.Addr().String()).Str("version", s.version).Msg("embedded ClickHouse is up")
	return listener.Addr().String(), nil
}

func (s *Server) open() error {
	library, dir := s.cfg.Library, s.cfg.DataDir
	if library == "" {
		found, err := chdb.Find()
		if err != nil {
			return err
		}
		library = found
	}
	if dir == "" {
		dir = s.scratch + "/data"
	}
	engine, err := chdb.Open(library, dir)
	if err != nil {
		return err
	}
	s.engine = engine
	session, err := engine.Session()
	if err != nil {
		return err
	}
	defer session.Close()
	result, err := session.Query(context.Background(), chdb.Statement{SQL: "SELECT version(), timezone()"})
	if err != nil {
		return fmt.Errorf("ask for the engine's version: %w", err)
	}
	defer result.Close()
	s.version, s.zone, _ = strings.Cut(strings.TrimSpace(string(result.Bytes())), "\t")
	return nil
}

func (s *Server) serve(listener net.Listener) {
	ctx, kill := context.WithCancel(context.Background())
	s.kill, s.served = kill, make(chan struct{})
	s.http = &http.Server{
		Handler:           s,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		MaxHeaderBytes:    maxHeaderBytes,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
	}
	go func() {
		defer close(s.served)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error().Err(err).Msg("embedded ClickHouse stopped")
		}
	}()
}

// Close lets running statements end for a few seconds, kills the others, and closes the database. It may be called for
// a server that was not started, or whose Start failed.
func (s *Server) Close() error {
	if s.http != nil {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := s.http.Shutdown(ctx); err != nil {
			s.kill()
			_ = s.http.Close() // connections only: their statements end by the context
		}
		s.kill()
		<-s.served
		s.http = nil
	}
	return s.release()
}

func (s *Server) release() error {
	var err error
	if s.engine != nil {
		err = s.engine.Close()
	}
	if s.scratch != "" {
		err = errors.Join(err, os.RemoveAll(s.scratch))
	}
	return err
}
