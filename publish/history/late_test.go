package history

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/schemas"
)

// A member stored rows and died before it sealed them. Hours later, when the tables have forgotten the tokens, another one
// stores the same wholes.
func TestANewOwnerAfterHoursDoublesNothing(t *testing.T) {
	s := migrated(t)
	s.settling = 0
	p := newPipeline(t, 12)
	p.minutes(0, 5, 10)
	h := p.history(s, &soloGroup{log: p.log, refuse: true})
	runUntil(t, h, caughtUp(t, h))
	for _, seals := range []string{"panes", "ticks", "map_versions"} {
		exec(t, s, "TRUNCATE TABLE "+seals)
	}
	forget(t, s)
	p.minutes(5, 2, 10)
	h = p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	p.verify(s)
}

// ClickHouse takes each block, the answer is lost, and by the time of the retry the tables have forgotten the token.
func TestALateRetryOfTheSameProcessDoublesNothing(t *testing.T) {
	s, f := behind(t)
	s.settling = 0
	direct := testStoreAt(t, s, f)
	f.lost = func() { forget(t, direct) }
	p := newPipeline(t, 13)
	p.minutes(0, 2, 10)
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	for _, seals := range []string{"panes", "ticks", "map_versions"} { // their rows may stand twice until a merge
		exec(t, s, "OPTIMIZE TABLE "+seals+" FINAL")
	}
	p.verify(s)
}

// testStoreAt returns a store on the same database as s, past the front.
func testStoreAt(t *testing.T, s *Store, f *front) *Store {
	t.Helper()
	cfg := s.cfg
	cfg.Addr = []string{f.behind}
	direct, err := Connect(cfg, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = direct.Close() })
	return direct
}

// Wholes are of several blocks. The process is killed after each number of blocks, with the answer to the last one lost;
// the next one finds a part of a whole, with its token or without.
func TestAHalfStoredWholeIsCompleted(t *testing.T) {
	for _, forgotten := range []bool{false, true} {
		t.Run(fmt.Sprint("forgotten ", forgotten), func(t *testing.T) {
			s, f := behind(t)
			s.settling, s.blockRows = 3*time.Second, 7 // inserts of other partitions end after the kill
			direct := testStoreAt(t, s, f)
			p := newPipeline(t, 14)
			g := &soloGroup{log: p.log}
			p.minutes(0, 3, 10)
			for killed := range 5 {
				h := p.history(s, g)
				ctx, kill := context.WithCancel(t.Context())
				f.after(killed, kill)
				err := h.Run(ctx)
				f.after(-1, nil)
				kill()
				if err != nil {
					t.Fatal(err)
				}
				quiet(t, direct)
				if forgotten {
					forget(t, direct)
				}
				p.minutes(3+killed, 1, 10)
			}
			h := p.history(s, g)
			runUntil(t, h, caughtUp(t, h))
			for _, seals := range []string{"panes", "ticks", "map_versions"} {
				exec(t, s, "OPTIMIZE TABLE "+seals+" FINAL")
			}
			p.verify(s)
		})
	}
}

// quiet returns when no insert of a killed process is left in the server.
func quiet(t *testing.T, s *Store) {
	t.Helper()
	const query = "SELECT count() FROM system.processes WHERE query LIKE 'INSERT%' AND current_database = currentDatabase()"
	for scan[uint64](t, s, query) > 0 {
		time.Sleep(10 * time.Millisecond)
	}
}

// A view that fails leaves the table's block stored and the hourly one not: the engine has no transactions. Both are whole
// in the end, whether or not the token is still known.
func TestAFailedViewIsFedLater(t *testing.T) {
	for _, forgotten := range []bool{false, true} {
		t.Run(fmt.Sprint("forgotten ", forgotten), func(t *testing.T) {
			s := migrated(t)
			s.settling = 0
			exec(t, s, "CREATE TABLE nowhere (x UInt8) ENGINE = Null")
			exec(t, s, "CREATE MATERIALIZED VIEW broken TO nowhere AS SELECT throwIf(w.ok > 0) AS x FROM windows AS w")
			p := newPipeline(t, 15)
			p.minutes(0, 2, 10)
			h := p.history(s, &soloGroup{log: p.log})
			var once atomic.Bool
			runUntil(t, h, func() bool {
				if scan[uint64](t, s, "SELECT uniqExact(partition) FROM windows") == 2 && once.CompareAndSwap(false, true) {
					if forgotten {
						forget(t, s)
					}
					exec(t, s, "DROP TABLE broken")
				}
				return once.Load() && caughtUp(t, h)()
			})
			p.verify(s)
		})
	}
}

// A part of a block is stored, and a part of that in the hourly table: what a server leaves that dies while it splits an
// insert into parts.
func TestAHalfStoredBlockIsCompleted(t *testing.T) {
	s := migrated(t)
	s.settling = 0
	p := newPipeline(t, 16)
	const start = 1_000_000 * paneMS
	w := stored(p, s, start, 20)
	exec(t, s, "DETACH TABLE windows_hourly_feed")
	if err := s.send(t.Context(), w.table, "some", []int{3, 4, 5, 6, 30}, w.add); err != nil {
		t.Fatal(err)
	}
	exec(t, s, "ATTACH TABLE windows_hourly_feed")
	if err := s.send(t.Context(), w.feed.table, "fewer", []int{4, 30}, w.feed.add); err != nil {
		t.Fatal(err)
	}
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	p.verify(s)
	if n := scan[uint64](t, s, "SELECT uniqExact(panes) FROM windows_hourly"); n != 1 {
		t.Errorf("%d kinds of hourly rows", n)
	}
}

// What a TTL has dropped from windows stays in the hourly table, and a retry adds nothing to it.
func TestARetryBehindTheTTL(t *testing.T) {
	s := migrated(t)
	s.settling = 0
	p := newPipeline(t, 17)
	p.minutes(0, 2, 10)
	h := p.history(s, &soloGroup{log: p.log, refuse: true})
	runUntil(t, h, caughtUp(t, h))
	exec(t, s, "TRUNCATE TABLE windows")
	exec(t, s, "TRUNCATE TABLE panes")
	forget(t, s)
	h = p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	if got := scan[uint64](t, s, "SELECT sum(ok) FROM windows_hourly"); got != p.samples {
		t.Errorf("%d samples by hour, want %d", got, p.samples)
	}
	if got := h.Progress().Panes[0]; got != 1_000_001*paneMS {
		t.Errorf("sealed up to %d", got)
	}
}

// Two members have the same partitions while ClickHouse comes and goes and loses answers.
func TestTwoMembersWhileClickHouseIsAway(t *testing.T) {
	s, f := behind(t)
	s.settling = 3 * time.Second // the other one's insert may be on its way
	p := newPipeline(t, 18)
	p.minutes(0, 6, 10)
	a, b := p.history(s, &soloGroup{log: p.log}), p.history(s, &soloGroup{log: p.log})
	step := 0
	runUntil(t, a, func() bool {
		runUntil(t, b, func() bool {
			switch {
			case step == 0 && f.inserts.Load() > 6:
				f.stop()
				p.minutes(6, 3, 10)
				step++
			case step == 1:
				f.lose.Store(4)
				f.start()
				step++
			case step == 2:
				return caughtUp(t, b)()
			}
			return false
		})
		return caughtUp(t, a)()
	})
	for _, seals := range []string{"panes", "ticks", "map_versions"} {
		exec(t, s, "OPTIMIZE TABLE "+seals+" FINAL")
	}
	p.verify(s)
}

// Changes of a version that was never sealed, since retention took the rest of it, are in no map.
func TestChangesWithoutASealAreInNoMap(t *testing.T) {
	s := migrated(t)
	p := newPipeline(t, 19)
	g := &soloGroup{log: p.log}
	maps := schemas.Partition{Topic: schemas.Maps}
	for i := range 4 {
		p.publish(int64(100+i)*paneMS, p.entries(40))
		if i == 0 || i == 2 {
			h := p.history(s, g)
			runUntil(t, h, caughtUp(t, h))
		}
	}
	exec(t, s, "TRUNCATE TABLE map_versions")
	g = &soloGroup{log: p.log}
	if err := p.log.Trim(maps, 3); err != nil {
		t.Fatal(err)
	}
	p.publish(104*paneMS, p.entries(40))
	h := p.history(s, g)
	runUntil(t, h, caughtUp(t, h))
	p.sameMaps(s, 4, 5)
}

func exec(t testing.TB, s *Store, statement string) {
	t.Helper()
	if err := s.conn.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
