package history

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"detour/internal/dataflow"
	"detour/internal/embedded/embeddedtest"
	"detour/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(embeddedtest.M{Tests: m}) }

// testStore returns a store on a database of the test's own, migrated. Changes of its settings may be given.
func testStore(t testing.TB, log zerolog.Logger, change ...func(*Config)) *Store {
	t.Helper()
	addr, database := embeddedtest.ClickHouse(t)
	cfg := Default()
	cfg.Addr, cfg.Protocol, cfg.Database = []string{addr}, HTTP, database
	cfg.TTLDays, cfg.HourlyTTLDays = 0, 0 // the tests' panes are of another century
	for _, f := range change {
		f(&cfg)
	}
	store, err := Connect(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func migrated(t testing.TB, change ...func(*Config)) *Store {
	t.Helper()
	store := testStore(t, zerolog.Nop(), change...)
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// scan runs a query with one row.
func scan[T any](t testing.TB, s *Store, query string, args ...any) (v T) {
	t.Helper()
	if err := s.conn.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// soloGroup is a dataflow.Group of one member that has every partition. Offsets outlive its members, as in a broker.
type soloGroup struct {
	log    dataflow.Log
	refuse bool // commits fail, as those of a superseded member do

	mu        sync.Mutex
	committed map[schemas.Partition]int64
}

func (g *soloGroup) Run(ctx context.Context, _ string, t schemas.Topic, work func(context.Context, dataflow.Assignment) error) error {
	n, err := g.log.Partitions(ctx, t)
	if err != nil {
		return err
	}
	var members sync.WaitGroup
	failures := make(chan error, n)
	for i := range n {
		p := schemas.Partition{Topic: t, Number: int32(i)}
		members.Go(func() {
			for ctx.Err() == nil {
				err := work(ctx, g.assignment(p))
				var fatal dataflow.Fatal
				if errors.As(err, &fatal) {
					failures <- err
					return
				}
				time.Sleep(20 * time.Millisecond) // a broker takes longer to rebalance
			}
		})
	}
	members.Wait()
	close(failures)
	return <-failures
}

func (g *soloGroup) assignment(p schemas.Partition) dataflow.Assignment {
	return dataflow.Assignment{Partition: p, Offset: g.offset(p), Commit: func(_ context.Context, offset int64, _ string) error {
		if g.refuse {
			return errors.New("superseded")
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.committed == nil {
			g.committed = make(map[schemas.Partition]int64)
		}
		g.committed[p] = offset
		return nil
	}}
}

func (g *soloGroup) offset(p schemas.Partition) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if offset, ok := g.committed[p]; ok {
		return offset
	}
	return -1
}

// runUntil runs h until done says so.
func runUntil(t testing.TB, h *History, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	for !done() {
		select {
		case err := <-ended:
			t.Fatal("ended early: ", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func caughtUp(t testing.TB, h *History) func() bool {
	return func() bool {
		ok, err := h.CaughtUp(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
}
