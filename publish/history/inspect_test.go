package history

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/embedded/chserver"
)

func TestInspectSeesHowFarTheTablesAre(t *testing.T) {
	s := testStore(t, zerolog.Nop())
	look := func() State {
		t.Helper()
		found, err := Inspect(t.Context(), s.cfg)
		if err != nil || found.Server == "" || found.Known == 0 {
			t.Fatalf("%+v, %v", found, err)
		}
		return found
	}
	for range 2 { // the first one made nothing
		if found := look(); !found.Exists || found.Applied != 0 {
			t.Errorf("before: %+v", found)
		}
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := look(); found.Applied != found.Known || found.Newer != 0 {
		t.Errorf("migrated: %+v", found)
	}
	for _, row := range []string{"(1000, 'next', 'x')", "(1000, 'next', 'x')"} {
		if err := s.conn.Exec(t.Context(), "INSERT INTO schema_migrations (version, name, checksum) VALUES "+row); err != nil {
			t.Fatal(err)
		}
	}
	if found := look(); found.Applied != found.Known || found.Newer != 1 {
		t.Errorf("by a newer program: %+v", found)
	}
	if err := s.conn.Exec(t.Context(), "INSERT INTO schema_migrations (version, name, checksum) VALUES (2, 'windows', 'of another text')"); err != nil {
		t.Fatal(err)
	}
	if _, err := Inspect(t.Context(), s.cfg); err == nil || !strings.Contains(err.Error(), "migration 0002_windows was applied with another text") {
		t.Error(err)
	}
	missing := s.cfg
	missing.Database = "nowhere"
	if found, err := Inspect(t.Context(), missing); err != nil || found.Exists || found.Applied != 0 {
		t.Errorf("a database that is not there: %+v, %v", found, err)
	}
}

func TestInspectSaysThatThePasswordIsWrong(t *testing.T) {
	var lines logged
	s, f := guarded(t, &lines)
	if _, err := Inspect(t.Context(), s.cfg); err == nil || !strings.Contains(err.Error(), `does not let user "writer" in`) {
		t.Error(err)
	}
	f.guard.Store((*chserver.Server)(nil))
	if _, err := Inspect(t.Context(), s.cfg); err != nil {
		t.Error(err)
	}
}
