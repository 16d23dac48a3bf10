package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"detour/decide"
	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/decision"
)

var (
	windows0 = schemas.Partition{Topic: schemas.Windows}
	windows1 = schemas.Partition{Topic: schemas.Windows, Number: 1}
)

func trim(t *testing.T, log *memlog.Log, p schemas.Partition, offset int64) {
	t.Helper()
	if err := log.Trim(p, offset); err != nil {
		t.Fatal(err)
	}
}

// incomplete renders the panes of ticks behind the first pane, with ! where the tick is incomplete.
func incomplete(wholes []*decision.Whole) string {
	var words []string
	for _, w := range wholes {
		word := fmt.Sprint((w.Pane - first) / minute)
		if w.Tick.Totals.Incomplete {
			word += "!"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestWindowsThatRetentionTookAreMissingAndNamed(t *testing.T) {
	for name, c := range map[string]struct {
		before  int64 // panes that were decided before
		lose    func(*testing.T, *memlog.Log)
		logged  string
		further string // ticks after it
	}{
		"before the first tick": {
			0, func(t *testing.T, l *memlog.Log) { trim(t, l, windows1, 3) },
			`"partition":"windows/1","from":0,"to":3,"lost":3`, "0! 1! 2! 3! 4! 5! 6! 7 8 9 10 11",
		},
		"of all before the first tick": {
			0, func(t *testing.T, l *memlog.Log) { trim(t, l, windows0, 4); trim(t, l, windows1, 4) },
			`"partition":"windows/0","from":0,"to":4,"lost":4`, "4! 5! 6! 7 8 9 10 11",
		},
		"evidence": {
			5, func(t *testing.T, l *memlog.Log) { trim(t, l, windows0, 3) },
			`"partition":"windows/0","from":0,"to":3,"lost":3`, "5! 6! 7 8 9 10 11",
		},
		"unread": {
			4, func(t *testing.T, l *memlog.Log) { trim(t, l, windows0, 6) },
			`"partition":"windows/0","from":0,"to":6,"lost":6`, "4! 5! 6! 7 8 9 10 11",
		},
		"unread everywhere": {
			4, func(t *testing.T, l *memlog.Log) { trim(t, l, windows0, 6); trim(t, l, windows1, 6) },
			`"partition":"windows/1","from":0,"to":6,"lost":6`, "4! 5! 6! 7 8 9 10 11",
		},
	} {
		t.Run(name, func(t *testing.T) {
			log := begun(t)
			fill(t, log, 1, 0, c.before)
			live(t, log)
			fill(t, log, 1, c.before, panes)
			c.lose(t, log)
			var lines bytes.Buffer
			if _, err := Resume(t.Context(), log, genesis(), decide.Config{}, zerolog.New(&lines)); err != nil {
				t.Fatal(err)
			}
			if got := lines.String(); !strings.Contains(got, c.logged) || !strings.Contains(got, `"level":"error"`) {
				t.Errorf("the log says %s, want %s", got, c.logged)
			}
			live(t, log)
			if got := incomplete(written(t, log)[c.before:]); got != c.further {
				t.Errorf("ticks %s, want %s", got, c.further)
			}
		})
	}
}

func TestRetentionThatOvertakesARunningStage(t *testing.T) {
	log := begun(t)
	fill(t, log, 1, 0, 4)
	m := resumed(t, log)
	for stuck := false; !stuck; {
		out, wait, err := step(log, m, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out {
			write(t, log, r)
		}
		stuck = wait
	}
	fill(t, log, 1, 4, panes)
	trim(t, log, windows0, 7)
	if _, _, err := step(log, m, nil); !errors.Is(err, dataflow.ErrOutOfRange) {
		t.Fatalf("error is %v", err)
	}
	live(t, log)
	if got, want := incomplete(written(t, log)), "0 1 2 3 4! 5! 6! 7 8 9 10 11"; got != want {
		t.Errorf("ticks %s, want %s", got, want)
	}
}

// A machine that is made anew after every tick says of each tick what one that never stopped says.
func TestWhatIsMissingOutlivesAMachine(t *testing.T) {
	var calm, stopped *memlog.Log
	for _, log := range []**memlog.Log{&calm, &stopped} {
		*log = filled(t, 1)
		trim(t, *log, windows1, 3)
	}
	live(t, calm)
	for {
		m := resumed(t, stopped)
		wrote, stuck := false, false
		for !wrote && !stuck {
			out, wait, err := step(stopped, m, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range out {
				write(t, stopped, r)
				wrote = true
			}
			stuck = wait
		}
		if stuck {
			break
		}
	}
	a, b := written(t, calm), written(t, stopped)
	if incomplete(a) != incomplete(b) || !slices.Equal(digests(a), digests(b)) {
		t.Errorf("ticks %s, and made anew %s", incomplete(a), incomplete(b))
	}
}

func TestALogThatCannotBeGoneOnWithIsFatal(t *testing.T) {
	empty := func(t *testing.T, l *memlog.Log, p schemas.Partition) *memlog.Log {
		all := records(t, l, p)
		other := begun(t)
		for _, d := range records(t, l, decisions) {
			put(t, other, d, nil)
		}
		for _, w := range []schemas.Partition{windows0, windows1} {
			for _, r := range records(t, l, w) {
				if w != p || r.Offset < int64(len(all))-1 {
					put(t, other, r, nil)
				}
			}
		}
		return other
	}
	for name, c := range map[string]struct {
		lose func(*testing.T, *memlog.Log) *memlog.Log
		want string
	}{
		"every snapshot is gone": {func(t *testing.T, l *memlog.Log) *memlog.Log {
			_, end, _ := l.Bounds(context.Background(), decisions)
			trim(t, l, decisions, end-1)
			return l
		}, "holds no complete snapshot any more"},
		"windows were recreated": {func(t *testing.T, l *memlog.Log) *memlog.Log {
			return empty(t, l, windows1)
		}, "windows/1 ends at 11, the last tick had read to 12: it was recreated"},
	} {
		t.Run(name, func(t *testing.T) {
			log := filled(t, 1)
			live(t, log)
			log = c.lose(t, log)
			_, err := Resume(t.Context(), log, genesis(), decide.Config{}, zerolog.Nop())
			if !fatal(err) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error is %v", err)
			}
		})
	}
}
