package history

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/internal/embedded/embeddedtest"
	"detour/schemas"
)

func TestHistoryHoldsWhatTheLogSays(t *testing.T) {
	s := testStore(t, zerolog.Nop())
	p := newPipeline(t, 1)
	p.minutes(0, 12, 40)
	g := &soloGroup{log: p.log}
	h := p.history(s, g)
	runUntil(t, h, caughtUp(t, h))
	p.verify(s)
	if got := h.Progress(); got.Version != 12 || got.Tick != 12 || got.Panes[1] != 1_000_011*paneMS || got.Undecodable != 0 || got.Gaps != 0 {
		t.Errorf("%+v", got)
	}
}

// Offsets are never committed, and what is stored but not sealed is sent again: tokens alone keep it single.
func TestCrashesBeforeSealAndCommit(t *testing.T) {
	s := migrated(t)
	p := newPipeline(t, 2)
	p.minutes(0, 5, 10)
	for _, table := range []string{"panes", "ticks", "map_versions", ""} {
		h := p.history(s, &soloGroup{log: p.log, refuse: true})
		runUntil(t, h, caughtUp(t, h))
		if table != "" {
			if err := s.conn.Exec(t.Context(), "TRUNCATE TABLE "+table); err != nil {
				t.Fatal(err)
			}
		}
		p.minutes(int(p.tick.Number), 1, 10)
	}
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	p.verify(s)
}

// A superseded member and its successor store the same partitions at the same time.
func TestTwoAtOnce(t *testing.T) {
	s := migrated(t)
	p := newPipeline(t, 3)
	p.minutes(0, 10, 10)
	a, b := p.history(s, &soloGroup{log: p.log}), p.history(s, &soloGroup{log: p.log})
	runUntil(t, a, func() bool {
		runUntil(t, b, caughtUp(t, b))
		return caughtUp(t, a)()
	})
	for _, table := range []string{"panes", "ticks", "map_versions"} {
		if err := s.conn.Exec(t.Context(), "OPTIMIZE TABLE "+table+" FINAL"); err != nil {
			t.Fatal(err)
		}
	}
	p.verify(s)
}

func TestClickHouseAwayAndBack(t *testing.T) {
	addr, database := embeddedtest.ClickHouse(t)
	f := newFront(t, addr)
	cfg := Default()
	cfg.Addr, cfg.Protocol, cfg.Database, cfg.TTLDays, cfg.HourlyTTLDays = []string{f.addr}, HTTP, database, 0, 0
	var lines logged
	s, err := Connect(cfg, zerolog.New(&lines))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f.stop() // it is not there at first
	p := newPipeline(t, 4)
	p.minutes(0, 4, 10)
	h := p.history(s, &soloGroup{log: p.log})
	waiting := fmt.Sprintf("clickhouse: waiting for %s: connection refused", f.addr)
	step := 0
	runUntil(t, h, func() bool {
		switch {
		case step == 0 && lines.count("waiting for") > 0:
			if lines.count(waiting) != 1 {
				t.Errorf("the log is %s, not %s", &lines, waiting)
			}
			f.start()
			f.lose.Store(3)
			step++
		case step == 1 && f.inserts.Load() > 8:
			f.stop()
			p.minutes(4, 4, 10)
			step++
		case step == 2 && lines.count("waiting for") >= 2: // a lost answer may have been the second
			f.start()
			step++
		case step == 3:
			return caughtUp(t, h)()
		}
		return false
	})
	p.verify(s)
	if n := lines.count("takes data again"); n < 1 {
		t.Errorf("%d lines say that it is back", n)
	}
}

func TestBadRecordsAreNamedAndSkipped(t *testing.T) {
	var lines logged
	s := testStore(t, zerolog.New(&lines))
	p := newPipeline(t, 5)
	for _, topic := range []schemas.Topic{schemas.Windows, schemas.Decisions, schemas.Maps} {
		p.append(schemas.Record{Partition: schemas.Partition{Topic: topic}, Value: []byte("junk")})
	}
	p.minutes(0, 2, 5)
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	p.verify(s)
	if got := h.Progress().Undecodable; got != 3 || lines.count(`"at":"windows/0@0"`) != 1 {
		t.Errorf("%d undecodable, log: %s", got, &lines)
	}
}

func TestAnotherGenesisIsRefused(t *testing.T) {
	s := migrated(t)
	p := newPipeline(t, 6)
	p.minutes(0, 1, 5)
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	p.genesis.Source = "2"
	var fatal dataflow.Fatal
	if err := p.history(s, &soloGroup{log: p.log}).Run(t.Context()); !errors.As(err, &fatal) || !strings.Contains(err.Error(), "database of its own") {
		t.Error(err)
	}
}

// Whatever was published, and however often history started anew, every version can be read back.
func TestMapAtAnyVersion(t *testing.T) {
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			s := migrated(t)
			p := newPipeline(t, seed)
			g := &soloGroup{log: p.log}
			for i := range 2 {
				for j := range 1 + p.rng.IntN(6) {
					p.publish(int64(100+10*i+j)*paneMS, p.entries(p.rng.IntN(40)))
				}
				h := p.history(s, g)
				runUntil(t, h, caughtUp(t, h))
			}
			p.verify(s)
		})
	}
}

// logged keeps what was logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *logged) count(s string) int { return strings.Count(l.String(), s) }
