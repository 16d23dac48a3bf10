// Package embeddedtest gives tests a ClickHouse and a Kafka broker, in their own process.
//
// A package whose tests use ClickHouse says so in its TestMain, as the engine lives as long as the process and leaves
// nothing behind only if it is closed:
//
//	func TestMain(m *testing.M) { embeddedtest.Main(m) }
package embeddedtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/embedded/broker"
	"detour/internal/embedded/chdb"
	"detour/internal/embedded/chserver"
)

// process is the one server that a process can have; it starts with the first test that asks for it.
var process struct {
	sync.Mutex
	main   bool
	server *chserver.Server
	addr   string
}

// Main runs the tests of a package and exits with their code.
func Main(m *testing.M) { os.Exit(M{m}.Run()) }

// M is a testing.M that closes what this package started. It is what goleak.VerifyTestMain takes.
type M struct{ Tests interface{ Run() int } }

// Run runs the tests and returns their exit code.
func (m M) Run() int {
	process.main = true
	code := m.Tests.Run()
	if process.server != nil {
		if err := process.server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "close embedded ClickHouse:", err)
			code = max(code, 1)
		}
		process.server = nil
	}
	return code
}

// ClickHouse returns the address, host:port, of an HTTP interface, and a database that is the test's own and is dropped
// behind it. Where libchdb is not installed the test is skipped, but fails where the environment variable CI is set.
func ClickHouse(tb testing.TB) (addr, database string) {
	tb.Helper()
	process.Lock()
	defer process.Unlock()
	if process.server == nil {
		if !process.main {
			tb.Fatal("the package's tests need: func TestMain(m *testing.M) { embeddedtest.Main(m) }")
		}
		server := chserver.New(chserver.Config{}, zerolog.Nop())
		started, err := server.Start()
		switch {
		case errors.Is(err, chdb.ErrNotFound) && os.Getenv("CI") == "":
			tb.Skip(err)
		case err != nil:
			tb.Fatal(err)
		}
		process.server, process.addr = server, started
	}
	addr, database = process.addr, "test_"+strings.ToLower(rand.Text())
	if err := post(tb.Context(), addr, "CREATE DATABASE "+database); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := post(context.Background(), addr, "DROP DATABASE "+database); err != nil {
			tb.Error(err)
		}
	})
	return addr, database
}

func post(ctx context.Context, addr, sql string) error {
	u := url.URL{Scheme: "http", Host: addr, Path: "/"}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(sql))
	if err != nil {
		return err
	}
	request.Close = true // leaves no idle connection, which a test would count as a leak
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", sql, response.Status)
	}
	return nil
}

// Broker starts a broker in memory, of the test's own, and returns its address, host:port.
func Broker(tb testing.TB) (addr string) {
	tb.Helper()
	b := broker.New(broker.Config{}, zerolog.Nop())
	addr, err := b.Start()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = b.Close() })
	return addr
}
