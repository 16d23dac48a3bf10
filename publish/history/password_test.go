package history

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/embedded/chserver"
)

// guarded returns a store with a password that the server behind the front refuses until the front's guard is gone.
func guarded(t *testing.T, lines *logged) (*Store, *front) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("wrong\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var f *front
	s := testStore(t, zerolog.New(lines), func(c *Config) {
		f = newFront(t, c.Addr[0])
		c.Addr, c.Username, c.PasswordFile = []string{f.addr}, "writer", file
	})
	f.guard.Store(chserver.New(chserver.Config{User: "writer", Password: "right"}, zerolog.Nop()))
	return s, f
}

// The line that an operator sees, in the log or from `detour migrate`.
func refusal(f *front) string {
	return "clickhouse: " + f.addr + ` does not let user "writer" in: wrong username or password_file`
}

func TestRunWaitsWhileThePasswordIsWrong(t *testing.T) {
	var lines logged
	s, f := guarded(t, &lines)
	p := newPipeline(t, 8)
	p.minutes(0, 2, 5)
	h := p.history(s, &soloGroup{log: p.log})
	opened := false
	runUntil(t, h, func() bool { // fails if Run ends
		if !opened && f.refused.Load() >= 3 {
			if got, want := lines.String(), strings.ReplaceAll(refusal(f), `"`, `\"`); strings.Count(got, "\n") != 1 || !strings.Contains(got, want) {
				t.Errorf("the log is not one line: %s\nwith %s", got, want)
			}
			f.guard.Store(nil) // the server's password is changed
			opened = true
		}
		return opened && caughtUp(t, h)()
	})
	p.verify(s)
	if lines.count("does not let") != 1 || lines.count("takes data again") != 1 {
		t.Error(lines.String())
	}
}

func TestMigrateReturnsWhereThePasswordIsWrong(t *testing.T) {
	var lines logged
	s, f := guarded(t, &lines)
	if err := s.Migrate(t.Context()); err == nil || err.Error() != refusal(f) {
		t.Errorf("%v, want %s", err, refusal(f))
	}
	if n := f.refused.Load(); n != 1 || lines.String() != "" {
		t.Errorf("%d tries, log: %s", n, &lines)
	}
}
