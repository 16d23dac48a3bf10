package history

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rs/zerolog"

	"detour/schemas"
	"detour/schemas/chunk"
)

// fork lets f write in p's place and takes back what the pipeline remembers, not what is in the log.
func (p *pipeline) fork(f func()) {
	tick, version, changed := p.tick, p.version, p.changed
	rng := *p.rng
	f()
	p.tick, p.version, p.changed, *p.rng = tick, version, changed, rng
}

// Two deciders, and two publishers, wrote at once. What lost is nowhere in ClickHouse.
func TestTheLoserOfARaceIsNotStored(t *testing.T) {
	s := migrated(t)
	p := newPipeline(t, 31)
	loser := address(500)
	p.minutes(0, 3, 5)
	for i := 3; i < 9; i++ {
		p.minutes(i, 1, 5)
		winner := p.maps[p.version.Number]
		p.fork(func() { // one tick and version earlier, after the winner: it follows the same ones
			p.tick = chunk.Link{Number: p.tick.Number, Digest: "of another writer"}
			p.decideFor(int64(1_000_000+i)*paneMS, loser, i%2 == 0)
			p.version = chunk.Link{Number: p.version.Number - 1, Digest: p.version.Digest}
			p.publish(int64(1_000_000+i)*paneMS, p.entries(35))
		})
		p.maps[p.version.Number] = winner
	}
	g := &soloGroup{log: p.log}
	h := p.history(s, g)
	runUntil(t, h, caughtUp(t, h))
	p.verify(s)
	if n := scan[uint64](t, s, "SELECT count() FROM decisions WHERE resolver = $1", loser.String()); n != 0 {
		t.Errorf("%d decisions of the loser", n)
	}
}

// A new database begins in the middle of a log, with the loser of a race: history stores nothing before it knows what
// every other reader keeps.
func TestHistoryThatBeginsInTheMiddleWaitsUntilItIsSure(t *testing.T) {
	var lines logged
	s := testStore(t, zerolog.New(&lines))
	p := newPipeline(t, 32)
	p.minutes(0, 4, 5)
	maps, decisions := schemas.Partition{Topic: schemas.Maps}, schemas.Partition{Topic: schemas.Decisions}
	trim(t, p, maps)
	trim(t, p, decisions)
	winner := p.maps[4]
	p.fork(func() { // version 4 and tick 4 were won by what is no longer in the log
		p.version = chunk.Link{Number: 3, Digest: "?"}
		p.publish(500*paneMS, p.entries(30))
		p.tick = chunk.Link{Number: 3, Digest: "?"}
		p.decideFor(int64(1_000_003)*paneMS, address(500), true)
	})
	p.maps[4] = winner
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	p.sameMaps(s)
	p.changed = 0
	p.minutes(4, 1, 5) // tick 5 is a snapshot
	h = p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	p.sameMaps(s) // version 5 follows one that is not there: it may be a loser too
	p.minutes(5, 3, 5)
	runUntil(t, h, caughtUp(t, h))
	p.sameMaps(s, 5, 6, 7, 8)
	if got := scan[[]uint64](t, s, "SELECT arraySort(groupArray(tick)) FROM ticks FINAL"); !slices.Equal(got, []uint64{5, 6, 7, 8}) {
		t.Errorf("ticks %d", got)
	}
	if n := scan[uint64](t, s, "SELECT count() FROM decisions"); n != p.changed {
		t.Errorf("%d decisions, want %d", n, p.changed)
	}
	if got := h.Progress(); got.Gaps != 4+4 || lines.count("a gap in the history") != 2 {
		t.Errorf("%+v\n%s", got, &lines)
	}
}

// A tick that can't be read: those behind it change what is not there, up to the next snapshot. A version stands alone.
func TestAGapHealsAtTheNextSnapshot(t *testing.T) {
	var lines logged
	s := testStore(t, zerolog.New(&lines))
	p := newPipeline(t, 33)
	p.minutes(0, 2, 5) // tick 1 is a snapshot
	p.broken(schemas.Partition{Topic: schemas.Decisions}, func() { p.decide(1_000_002*paneMS, 2, 20, false) })
	p.broken(schemas.Partition{Topic: schemas.Maps}, func() { p.publish(1_000_002*paneMS, p.entries(30)) })
	p.minutes(3, 5, 5) // ticks 4 to 8, of which 5 is one
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	if got := scan[[]uint64](t, s, "SELECT arraySort(groupArray(tick)) FROM ticks"); !slices.Equal(got, []uint64{1, 2, 5, 6, 7, 8}) {
		t.Errorf("ticks %d", got)
	}
	p.sameMaps(s, 1, 2, 4, 5, 6, 7, 8)
	if got := h.Progress(); got.Undecodable != 2 || got.Gaps != 2+1 {
		t.Errorf("%+v", got)
	}
	for _, line := range []string{
		`"tick":4,"last":2,"message":"skipped, as those that follow`,
		`"from":3,"to":5,"lost":2,"message":"a gap in the history: the log does not hold each tick"`,
		`"from":3,"to":4,"lost":1,"message":"a gap in the history: the log does not hold each version"`,
	} {
		if lines.count(line) != 1 {
			t.Errorf("no line %s in\n%s", line, &lines)
		}
	}
}

// trim drops all of a partition's records.
func trim(t *testing.T, p *pipeline, at schemas.Partition) {
	t.Helper()
	_, end, err := p.log.Bounds(t.Context(), at)
	if err == nil {
		err = p.log.Trim(at, end)
	}
	if err != nil {
		t.Fatal(fmt.Errorf("trim: %w", err))
	}
}
