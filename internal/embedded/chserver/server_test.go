package chserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"detour/internal/embedded/chdb"
)

// shared is the one server that a process can have, and its address; nil where there is no library.
var (
	shared     *Server
	sharedAddr string
	missing    error
)

type suite struct{ *testing.M }

// Run starts the server before the tests and closes it behind them.
func (s suite) Run() int {
	if _, missing = chdb.Find(); missing == nil {
		var err error
		shared = New(Config{}, zerolog.Nop())
		if sharedAddr, err = shared.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	code := s.M.Run()
	if shared != nil {
		scratch := shared.scratch
		if err := shared.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if _, err := os.Stat(scratch); err == nil {
			fmt.Fprintln(os.Stderr, "Close left its scratch folder")
			return 1
		}
	}
	return code
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(suite{m}) }

// address is the server's; the test skips where there is no library, but not in CI.
func address(t *testing.T) string {
	t.Helper()
	switch {
	case missing != nil && os.Getenv("CI") != "":
		t.Fatal(missing)
	case missing != nil:
		t.Skip(missing)
	}
	return sharedAddr
}

// connect opens clickhouse-go on a database of the test's own.
func connect(t *testing.T, change ...func(*clickhouse.Options)) driver.Conn {
	t.Helper()
	options := &clickhouse.Options{Protocol: clickhouse.HTTP, Addr: []string{address(t)}, Auth: clickhouse.Auth{Username: "default"}}
	for _, f := range change {
		f(options)
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func exec(t *testing.T, conn driver.Conn, sql string, args ...any) {
	t.Helper()
	if err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// table creates a table with a name that is the test's own.
func table(t *testing.T, conn driver.Conn, name, definition string) {
	t.Helper()
	exec(t, conn, "CREATE TABLE "+name+" "+definition)
	t.Cleanup(func() { _ = conn.Exec(context.Background(), "DROP TABLE "+name) })
}

func one[T any](t *testing.T, conn driver.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func TestSecondServer(t *testing.T) {
	address(t)
	second := New(Config{}, zerolog.Nop())
	if _, err := second.Start(); !errors.Is(err, chdb.ErrBusy) {
		t.Errorf("second server: %v", err)
	}
	if _, err := os.Stat(second.scratch); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it left its scratch folder: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestConfig(t *testing.T) {
	for name, cfg := range map[string]Config{
		"password without user": {Password: "x"},
		"every address":         {Listen: ":8123"},
		"another machine":       {Listen: "192.0.2.1:8123"},
		"no port":               {Listen: "127.0.0.1"},
		"others, no password":   {Listen: ":8123", Remote: true, User: "u"},
	} {
		if err := cfg.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, cfg := range []Config{{}, {Listen: "[::1]:0"}, {Listen: "localhost:8123", User: "u"}, {Listen: ":8123", Remote: true, User: "u", Password: "p"}} {
		if err := cfg.Validate(); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}
