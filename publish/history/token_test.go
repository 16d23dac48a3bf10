package history

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/schemas/window"
)

// behind returns a store that is migrated, and the front that its requests go through.
func behind(t *testing.T) (*Store, *front) {
	t.Helper()
	var f *front
	s := testStore(t, zerolog.Nop(), func(c *Config) {
		f = newFront(t, c.Addr[0])
		c.Addr = []string{f.addr}
	})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, f
}

// tokensOf returns the tokens of rows, not of seals, that two minutes are stored under.
func tokensOf(t *testing.T, seed uint64) []string {
	s, f := behind(t)
	p := newPipeline(t, seed)
	p.minutes(0, 2, 5)
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	f.mu.Lock()
	defer f.mu.Unlock()
	var tokens []string
	for _, token := range f.tokens {
		if table, _, _ := strings.Cut(token, "/"); slices.Contains([]string{"windows", "map_changes", "decisions"}, table) {
			tokens = append(tokens, token)
		}
	}
	slices.Sort(tokens)
	return tokens
}

// The same wholes with the same content have the same tokens, in another process and another database; with other content
// not one is the same.
func TestATokenIsMadeOfWholeAndContent(t *testing.T) {
	a, again, other := tokensOf(t, 1), tokensOf(t, 1), tokensOf(t, 2)
	if !slices.Equal(a, again) || len(a) != 2*2+1+2 { // the first tick changes nothing
		t.Errorf("%q\n%q", a, again)
	}
	whole := regexp.MustCompile(`^(windows/\d+/\d+|map_changes/\d+)/`)
	for _, token := range other {
		place := whole.FindString(token)
		if place != "" && slices.Contains(a, token) {
			t.Error("the same whole with other content: ", token)
		}
		if place != "" && !slices.ContainsFunc(a, func(s string) bool { return strings.HasPrefix(s, place) }) {
			t.Error("not the same wholes: ", token)
		}
	}
}

// Every table that history inserts into remembers tokens, on one server and on a cluster.
func TestEveryTableRemembersTokens(t *testing.T) {
	s := migrated(t)
	rows, err := s.conn.Query(t.Context(), "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var tables []string
	for rows.Next() {
		var table, engine string
		if err := rows.Scan(&table, &engine); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, table)
		least := map[string]int{"schema_migrations": 0, "genesis": 100}
		for _, setting := range []string{" non_replicated_deduplication_window = ", ", replicated_deduplication_window = "} {
			_, rest, _ := strings.Cut(engine, setting)
			digits, _, _ := strings.Cut(rest, ",")
			n, _ := strconv.Atoi(digits)
			if want, special := least[table]; n < want || !special && n < 10_000 {
				t.Errorf("%s: window %d in %s", table, n, engine)
			}
		}
	}
	if slices.Sort(tables); fmt.Sprint(tables) != "[decisions genesis map_changes map_versions panes schema_migrations ticks windows windows_hourly]" {
		t.Error(tables)
	}
}

// stored is a pane of a pipeline, and what sends it.
func stored(p *pipeline, s *Store, start int64, n int) *rows {
	windows := p.pane(0, start, n, 1)
	sink := newWindowSink(p.history(s, nil), 0)
	w := sink.rows(&window.Pane{Start: start, Windows: windows}, time.UnixMilli(start).UTC())
	w.token = window.Digest(start, windows)
	return w
}

// The identical block under its token is taken once, by the table and by the view's; once tokens are forgotten it is taken
// again, which is what the other tests of retries would see if history went by tokens alone.
func TestAnIdenticalBlockIsTakenOnce(t *testing.T) {
	s := migrated(t)
	w := stored(newPipeline(t, 11), s, 1_000_000*paneMS, 20)
	send := func() (rows, hourly uint64) {
		b := &block{rows: w, to: w.n}
		if err := s.send(t.Context(), w.table, w.token, b.all(), w.add); err != nil {
			t.Fatal(err)
		}
		return scan[uint64](t, s, "SELECT sum(ok) FROM windows"), scan[uint64](t, s, "SELECT sum(ok) FROM windows_hourly")
	}
	rows, hourly := send()
	again, hourlyAgain := send()
	if rows == 0 || hourly != rows || again != rows || hourlyAgain != rows {
		t.Errorf("%d and %d, then %d and %d", rows, hourly, again, hourlyAgain)
	}
	forget(t, s)
	if again, hourlyAgain = send(); again != 2*rows || hourlyAgain != 2*rows {
		t.Errorf("tokens are not forgotten: %d and %d", again, hourlyAgain)
	}
}

// forget makes the tables of rows forget all tokens, as more inserts than their window do.
func forget(t testing.TB, s *Store) {
	t.Helper()
	for _, table := range []string{"windows", "windows_hourly", "decisions", "map_changes"} {
		for _, window := range []int{0, 10_000} {
			if err := s.conn.Exec(t.Context(), fmt.Sprintf("ALTER TABLE %s MODIFY SETTING non_replicated_deduplication_window = %d", table, window)); err != nil {
				t.Fatal(err)
			}
		}
	}
}
