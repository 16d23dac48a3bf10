package history

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	schema "detour/schemas/clickhouse"
)

func TestMigrateAtOnceAndAgain(t *testing.T) {
	s := testStore(t, zerolog.Nop())
	var g errgroup.Group
	for range 2 {
		g.Go(func() error { return s.Migrate(t.Context()) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, _ := schema.Migrations()
	if got := scan[uint64](t, s, "SELECT uniqExact(version) FROM schema_migrations"); got != uint64(len(all)) {
		t.Errorf("%d migrations", got)
	}
	newPipeline(t, 1).verify(s) // every table is there, and empty
}

// A process that died between a migration's statements leaves some of them done, and nothing in the ledger.
func TestMigrateAfterCrash(t *testing.T) {
	s := migrated(t)
	for _, statement := range []string{"DROP VIEW map_at", "DROP TABLE windows_hourly_feed", "DROP TABLE ticks", "TRUNCATE TABLE schema_migrations"} {
		if err := s.conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	newPipeline(t, 1).verify(s)
}

func TestMigrateRefusesAnotherText(t *testing.T) {
	s := migrated(t)
	const other = "INSERT INTO schema_migrations (version, name, checksum) VALUES (2, 'windows', 'of another text')"
	if err := s.conn.Exec(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	err := s.Migrate(t.Context())
	if err == nil || !strings.Contains(err.Error(), "migration 0002_windows was applied") {
		t.Error(err)
	}
}

func TestTTL(t *testing.T) {
	s := migrated(t)
	for _, days := range []int{0, 30, 30, 7, 0} {
		s.cfg.TTLDays, s.cfg.HourlyTTLDays = days, 2*days
		if err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		for table, want := range map[string]int{"windows": days, "windows_hourly": 2 * days} {
			engine := scan[string](t, s, "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = $1", table)
			expression := map[string]string{"windows": "toDateTime(pane)", "windows_hourly": "hour"}[table]
			if change := ttlChange(engine, expression, want); change != "" {
				t.Errorf("%s, %d days: still to %s", table, want, change)
			}
		}
	}
}

// What goes to a cluster can't be run on one server, but its syntax can be checked there.
func TestClusterStatementsParse(t *testing.T) {
	s := testStore(t, zerolog.Nop())
	all, err := schema.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range append(all, schema.Migration{SQL: schema.Ledger}) {
		statements, err := m.Statements("main")
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range statements {
			if got := scan[string](t, s, "SELECT formatQuerySingleLine($1)", statement); !strings.Contains(got, "ON CLUSTER main") {
				t.Error(got)
			}
		}
	}
}
