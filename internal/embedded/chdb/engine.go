// Package chdb runs ClickHouse's own engine inside this process, from the shared library libchdb.so, without cgo.
//
// It promises:
//  1. One engine a process, on one data directory. Open refuses a second one while the first is open.
//  2. Sessions are independent: settings, current database and temporary tables of one are not seen by another. They may
//     be used at the same time, each by one goroutine.
//  3. A query whose context ends is killed in the engine, and Query returns only once it has stopped.
//  4. The Go runtime keeps its signal handlers.
//
// The engine sees the file system as this process does: whoever may send it SQL may read and write this user's files.
package chdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ErrBusy is returned by Open while an engine is open in this process.
var ErrBusy = errors.New("one engine a process: another is open")

// ErrClosed is returned by Session once the engine is closing.
var ErrClosed = errors.New("engine is closed")

// killEvery is how often a statement that must stop is told so: it can't be reached before the engine has registered it.
const killEvery = 50 * time.Millisecond

// process is the state of the process that promise 1 is about.
var process struct {
	sync.Mutex
	lib  *library
	path string
	open bool
}

// Engine is an open database. Its methods may be called from several goroutines.
type Engine struct {
	lib    *library
	dir    string
	anchor *Session // the engine lives as long as its first session

	mu       sync.Mutex
	closing  bool
	sessions sync.WaitGroup
}

// Open starts the engine of the library at path on dir, which is created where it does not exist. It takes about half a
// second and 220 MB.
func Open(path, dir string) (*Engine, error) {
	process.Lock()
	defer process.Unlock()
	if process.open {
		return nil, ErrBusy
	}
	if process.lib == nil {
		lib, err := load(path)
		if err != nil {
			return nil, err
		}
		keepSignals(func() { lib.signalHandlers(0) })
		process.lib, process.path = lib, path
	}
	if process.path != path {
		return nil, fmt.Errorf("open libchdb %s: %s is loaded already", path, process.path)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	e := &Engine{lib: process.lib, dir: dir}
	anchor, err := e.connect()
	if err != nil {
		return nil, err
	}
	e.anchor, process.open = anchor, true
	return e, nil
}

// Session opens a session. It costs about a quarter of a millisecond and must be closed.
func (e *Engine) Session() (*Session, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing {
		return nil, ErrClosed
	}
	s, err := e.connect()
	if err != nil {
		return nil, err
	}
	e.sessions.Add(1)
	s.closed = e.sessions.Done
	return s, nil
}

// Close kills what still runs, waits for every session to be closed, and stops the engine.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closing {
		e.mu.Unlock()
		return nil
	}
	e.closing = true
	e.mu.Unlock()

	idle := make(chan struct{})
	go func() { e.sessions.Wait(); close(idle) }()
	e.killUntil(idle, "1")
	e.anchor.Close()

	process.Lock()
	defer process.Unlock()
	process.open = false
	return nil
}

// killUntil kills the statements that meet condition, again and again until done.
func (e *Engine) killUntil(done <-chan struct{}, condition string) {
	tick := time.NewTicker(killEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			e.kill(condition)
		}
	}
}

// kill does not report errors: killUntil tries again, and Query reports the statement's own end.
func (e *Engine) kill(condition string) {
	s, err := e.connect()
	if err != nil {
		return
	}
	defer s.Close()
	if r, err := s.Query(context.Background(), Statement{SQL: "KILL QUERY WHERE " + condition + " ASYNC"}); err == nil {
		r.Close()
	}
}
