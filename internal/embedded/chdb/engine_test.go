package chdb

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func openEngine(t *testing.T, dir string) *Engine {
	t.Helper()
	library, err := Find()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	e, err := Open(library, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func ask(t *testing.T, e *Engine, sql string) string {
	t.Helper()
	s, err := e.Session()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Query(t.Context(), Statement{SQL: sql})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer r.Close()
	return strings.TrimSpace(string(r.Bytes()))
}

// The engine is opened and closed once only in this test: a second boot in one process takes as long again.
func TestEngine(t *testing.T) {
	dir := t.TempDir()
	var before [lastSignal + 1]sigaction
	for sig := 1; sig <= lastSignal; sig++ {
		rtSigaction(sig, nil, &before[sig])
	}
	e := openEngine(t, dir)

	t.Run("one engine a process", func(t *testing.T) {
		library, _ := Find()
		if _, err := Open(library, t.TempDir()); !errors.Is(err, ErrBusy) {
			t.Fatalf("second Open: %v", err)
		}
	})
	t.Run("sessions are independent", func(t *testing.T) {
		a, _ := e.Session()
		defer a.Close()
		ask(t, e, "CREATE DATABASE other")
		if err := a.Configure("other", Setting{"max_threads", "7"}, Setting{"log_comment", "mine"}); err != nil {
			t.Fatal(err)
		}
		r, err := a.Query(t.Context(), Statement{SQL: "SELECT currentDatabase(), getSetting('max_threads')"})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if got := string(r.Bytes()); got != "other\t7\n" {
			t.Errorf("configured session: %q", got)
		}
		if got := ask(t, e, "SELECT currentDatabase(), getSetting('max_threads') = 7"); got != "default\t0" {
			t.Errorf("another session: %q", got)
		}
	})
	t.Run("parameters", func(t *testing.T) {
		s, _ := e.Session()
		defer s.Close()
		r, err := s.Query(t.Context(), Statement{
			SQL: "SELECT {a:String} || {b:String}, {n:UInt64} + 1", Format: "CSV",
			Params: map[string]string{"a": "x'; --", "b": "", "n": "41"},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if got := string(r.Bytes()); got != "\"x'; --\",42\n" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("errors carry the code", func(t *testing.T) {
		s, _ := e.Session()
		defer s.Close()
		for code, try := range map[int]func() error{
			47:  func() error { _, err := s.Query(t.Context(), Statement{SQL: "SELECT nosuch"}); return err },
			62:  func() error { _, err := s.Query(t.Context(), Statement{SQL: "SELEC 1, 2"}); return err },
			81:  func() error { return s.Configure("no`such") },
			115: func() error { return s.Configure("", Setting{"nosuch", "1"}) },
		} {
			var e *Error
			if err := try(); !errors.As(err, &e) || e.Code != code {
				t.Errorf("want code %d, got %v", code, err)
			}
		}
		var e *Error
		if err := s.Configure("", Setting{"max_threads=1, readonly", "1"}); !errors.As(err, &e) || e.Code != 115 {
			t.Errorf("a setting's name is not SQL: %v", err)
		}
	})
	t.Run("a context ends a query", func(t *testing.T) {
		s, _ := e.Session()
		defer s.Close()
		if err := s.Configure(""); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := s.Query(ctx, Statement{SQL: "SELECT count() FROM numbers(1000000000000000) WHERE sin(number) > 2"})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if r, err := s.Query(t.Context(), Statement{SQL: "SELECT 1"}); err != nil {
			t.Fatalf("the session afterwards: %v", err)
		} else {
			r.Close()
		}
	})
	t.Run("Go keeps its signals", func(t *testing.T) {
		for sig := 1; sig <= lastSignal; sig++ {
			var now sigaction
			if rtSigaction(sig, nil, &now); now != before[sig] {
				t.Errorf("signal %d has another handler", sig)
			}
		}
		defer func() {
			if recover() == nil {
				t.Error("a nil dereference was no panic")
			}
		}()
		var nothing *int
		*nothing = 1
	})
	t.Run("close ends what runs, and data stay", func(t *testing.T) {
		ask(t, e, "CREATE TABLE kept (a Int8) ENGINE = MergeTree ORDER BY a")
		ask(t, e, "INSERT INTO kept VALUES (1), (2)")
		s, _ := e.Session()
		ended := make(chan error, 1)
		go func() {
			defer s.Close()
			_, err := s.Query(context.Background(), Statement{SQL: "SELECT count() FROM numbers(1000000000000000) WHERE sin(number) > 2"})
			ended <- err
		}()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil {
			t.Error("the running query did not end in an error")
		}
		if _, err := e.Session(); !errors.Is(err, ErrClosed) {
			t.Errorf("a session of a closed engine: %v", err)
		}
		if got := ask(t, openEngine(t, dir), "SELECT count() FROM kept"); got != "2" {
			t.Errorf("after reopening: %q rows", got)
		}
	})
}
