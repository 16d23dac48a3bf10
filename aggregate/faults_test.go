package aggregate

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// faults says what may go wrong in a story.
type faults struct {
	drop    bool // reports are lost before ingest read them
	corrupt bool // samples records do not decode
	repeat  bool // ingest repeats, and superseded ones go on writing, who know of fewer sources
	lower   bool // marks are overruled
	grow    bool // a third source comes later
	release bool // an operator releases sources and takes it back
}

var everything = faults{drop: true, corrupt: true, repeat: true, lower: true, grow: true, release: true}

// story is a log of samples with faults, and what a dumb reader makes of it.
type story struct {
	t       *rapid.T
	world   *world
	faults  faults
	sources int // that heads tell of

	log    []schemas.Record
	got    []sample.Sample // rows that count: each source's in order, none twice
	last   [][2]int64      // by source: the last of them
	next   []int64         // by source: end of what was heard of
	holes  int64
	missed int64 // offsets in them
}

func tell(t *rapid.T, f faults) *story {
	sources := 2
	if f.grow {
		sources = 3
	}
	w := genWorld(t, sources)
	s := &story{t: t, world: &w, faults: f, sources: 2, last: make([][2]int64, sources), next: make([]int64, sources)}
	for src := range s.last {
		s.last[src] = [2]int64{-1, 0}
		if f.lower && s.chance(2) {
			w.overrule(t, src)
		}
	}
	from := make([]int, sources)
	for left := true; left; {
		left = false
		for src := range s.sources {
			left = left || from[src] < len(w.marks[src])
		}
		if s.sources < sources && s.chance(6) || !left && s.sources < sources {
			s.sources, left = sources, true
		}
		if src := rapid.IntRange(0, s.sources-1).Draw(t, "source"); from[src] < len(w.marks[src]) {
			from[src] = s.step(src, from[src])
		}
	}
	for src := range from {
		s.send(sample.Head{Source: int32(src), From: int64(len(w.marks[src])), To: int64(len(w.marks[src]) + 1), Mark: 1_300_000}, nil)
	}
	return s
}

// overrule takes a source's mark back at one offset, and every later one with it.
func (w *world) overrule(t *rapid.T, src int) {
	from := rapid.IntRange(0, len(w.marks[src])-1).Draw(t, "overruled at")
	by := rapid.Int64Range(0, 90_000).Draw(t, "overruled by")
	for i := from; i < len(w.marks[src]); i++ {
		w.marks[src][i] -= by
	}
	for i := range w.rows[src] {
		if int(w.rows[src][i].Offset) >= from {
			w.rows[src][i].Time -= by
		}
	}
}

func (s *story) chance(of int) bool { return rapid.IntRange(1, of).Draw(s.t, "chance") == of }

// step sends the next range of a source, or has it lost, and returns its end.
func (s *story) step(src, from int) int {
	if s.faults.release && s.chance(8) {
		to := sample.NoRelease
		if s.chance(2) {
			to = rapid.Int64Range(100_000, 500_000).Draw(s.t, "released to")
		}
		s.append(sample.Released("", int32(src), s.sources, to), nil)
	}
	to := min(from+rapid.IntRange(1, 6).Draw(s.t, "batch"), len(s.world.marks[src]))
	if s.faults.drop && s.next[src] > 0 && s.chance(6) {
		return to
	}
	s.cover(src, from, to)
	if s.faults.repeat && s.chance(4) {
		s.cover(src, rapid.IntRange(0, from).Draw(s.t, "again from"), rapid.IntRange(from+1, to).Draw(s.t, "again to"))
	}
	return to
}

// cover sends a range in one batch, or in two if its last report is large.
func (s *story) cover(src, from, to int) {
	h := sample.Head{Source: int32(src), From: int64(from), To: int64(to), Mark: s.world.marks[src][to-1]}
	var rows []sample.Sample
	for _, r := range s.world.rows[src] {
		if r.Offset >= h.From && r.Offset < h.To {
			rows = append(rows, r)
		}
	}
	if n := len(rows); n > 1 && rows[n-2].Offset == h.To-1 && s.chance(2) {
		s.send(h, rows[:n-1])
		h.From, rows = h.To-1, rows[n-1:]
	}
	s.send(h, rows)
}

// send appends a record, or one that does not decode in its place.
func (s *story) send(h sample.Head, rows []sample.Sample) {
	h.Sources, h.Origin = s.sources, s.world.marks[h.Source][0]
	if s.faults.repeat && h.Source < 2 && s.chance(2) {
		h.Sources = 2
	}
	if s.faults.corrupt && h.Mark < 1_300_000 && s.chance(6) {
		s.log = append(s.log, schemas.Record{Offset: int64(len(s.log)), Value: []byte("nonsense")})
		return
	}
	if h.From > s.next[h.Source] && s.next[h.Source] > 0 {
		s.holes++
		s.missed += h.From - s.next[h.Source]
	}
	s.next[h.Source] = max(s.next[h.Source], h.To)
	for _, r := range rows {
		if key := [2]int64{r.Offset, int64(r.Ordinal)}; key[0] > s.last[h.Source][0] || key[0] == s.last[h.Source][0] && key[1] > s.last[h.Source][1] {
			s.last[h.Source], s.got = key, append(s.got, r)
		}
	}
	s.append(h, rows)
}

func (s *story) append(h sample.Head, rows []sample.Sample) {
	s.log = append(s.log, record(s.t, int64(len(s.log)), h, rows...))
}

func TestAResumedMachineSaysWhatTheFirstWouldHave(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := tell(t, everything).log
		want := contents(t, apply(t, scratch(), log...))
		var out []schemas.Record
		m, crashes := scratch(), 0
		for m.next < int64(len(log)) {
			to := min(m.next+int64(rapid.IntRange(1, 5).Draw(t, "fetch")), int64(len(log)))
			caused := apply(t, m, log[m.next:to]...)
			if crashes < 20 && rapid.IntRange(0, 2).Draw(t, "crash") == 0 { // some of it is appended, then another takes over
				crashes++
				out = append(out, caused[:rapid.IntRange(0, len(caused)).Draw(t, "appended")]...)
				m = resumed(t, out)
				continue
			}
			out = append(out, caused...)
		}
		out = append(out, apply(t, m)...)
		if got := contents(t, out); !reflect.DeepEqual(got, want) {
			t.Fatalf("after %d crashes\n%v, want\n%v", crashes, got, want)
		}
	})
}

// resumed returns the machine that takes over behind what a predecessor wrote.
func resumed(t fataler, out []schemas.Record) *Machine {
	sealed := panes(t, out)
	if len(sealed) == 0 {
		return New(testGenesis(), 0, FromScratch(0, int64(len(out))))
	}
	return New(testGenesis(), 0, FromSeal(&sealed[len(sealed)-1].Seal, int64(len(out))))
}

// TestNothingDisappears: whatever goes wrong with marks and sources, each row that arrives counts in one pane.
func TestNothingDisappears(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := tell(t, everything)
		out := apply(t, scratch(), s.log...)
		var rows int64
		var before *window.Pane
		for _, p := range panes(t, out) {
			rows += p.Seal.Totals.Samples
			if before != nil && p.Start != before.Start+60_000 {
				t.Fatalf("pane %d after %d", p.Start, before.Start)
			}
			before = p
		}
		if rows != int64(len(s.got)) {
			t.Fatalf("%d rows counted, %d arrived", rows, len(s.got))
		}
	})
}
