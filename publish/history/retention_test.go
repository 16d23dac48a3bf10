package history

import (
	"testing"

	"github.com/rs/zerolog"

	"detour/schemas"
)

// history was away for longer than the log keeps records: it says which are lost, and how many, and goes on behind them.
func TestRetentionIsNamed(t *testing.T) {
	var lines logged
	s := testStore(t, zerolog.New(&lines))
	p := newPipeline(t, 7)
	g := &soloGroup{log: p.log}
	p.minutes(0, 2, 5)
	h := p.history(s, g)
	runUntil(t, h, caughtUp(t, h))
	p.minutes(2, 6, 5) // ticks 3 to 8, of which 5 is a snapshot; versions 3 to 8
	for topic, start := range map[schemas.Topic]int64{schemas.Windows: g.offset(schemas.Partition{Topic: schemas.Windows}) + 3, schemas.Decisions: 3, schemas.Maps: 5} {
		if err := p.log.Trim(schemas.Partition{Topic: topic}, start); err != nil {
			t.Fatal(err)
		}
	}
	h = p.history(s, g)
	runUntil(t, h, caughtUp(t, h))
	got := h.Progress()
	if got.Lost != 3+1+3 || got.Gaps != 2+3 || got.Tick != 8 || got.Version != 8 {
		t.Errorf("%+v", got)
	}
	for _, line := range []string{
		`"partition":"decisions/0","from":2,"to":3,"lost":1,"message":"records lost: retention was faster than history"`,
		`"partition":"maps/0","from":2,"to":5,"lost":3,"message":"records lost: retention was faster than history"`,
		`"from":3,"to":5,"lost":2,"message":"a gap in the history: the log does not hold each tick"`,
		`"from":3,"to":6,"lost":3,"message":"a gap in the history: the log does not hold each version"`,
	} {
		if lines.count(line) != 1 {
			t.Errorf("no line %s in\n%s", line, &lines)
		}
	}
	p.sameMaps(s, 1, 2, 6, 7, 8)
	if n := scan[uint64](t, s, "SELECT count() FROM ticks WHERE tick IN (1, 2, 5, 6, 7, 8)"); n != 6 {
		t.Errorf("%d ticks", n)
	}
}

// A new database is filled from the log's start, wherever the group's offsets are.
func TestANewDatabaseIsFilledFromTheLogsStart(t *testing.T) {
	p := newPipeline(t, 21)
	g := &soloGroup{log: p.log}
	p.minutes(0, 3, 5)
	for range 2 {
		s := migrated(t)
		h := p.history(s, g)
		runUntil(t, h, caughtUp(t, h))
		p.verify(s)
	}
}
