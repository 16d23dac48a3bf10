package story_test

import (
	"bytes"
	"errors"
	"flag"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"testing"

	"detour/decide/story"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/control"
	"detour/schemas/decision"
)

const (
	minute       = int64(60_000)
	first  int64 = 1_767_571_200_000 // 2026-01-05 00:00 UTC
	hash         = "5259483431bc"
)

var (
	moved  = netip.MustParseAddr("192.0.2.53")
	near   = netip.MustParseAddr("192.0.2.7")
	far    = netip.MustParseAddr("192.0.3.1")
	second = netip.MustParseAddr("192.0.2.9")
)

// book writes ticks that follow one another.
type book struct {
	t    *testing.T
	log  *memlog.Log
	last decision.Tick
}

func (b *book) tick(snapshot bool, rows ...decision.Decision) *decision.Tick {
	b.t.Helper()
	slices.SortFunc(rows, func(x, y decision.Decision) int { return decision.Compare(&x, &y) })
	n := b.last.Number + 1
	t := decision.Tick{Number: n, Snapshot: snapshot, Policy: hash, Previous: b.last.Digest}
	t.Digest = decision.Digest(t.Previous, first+n*minute, t.Policy, rows)
	b.write(first+n*minute, &t, rows)
	b.last = t
	return &t
}

func (b *book) write(pane int64, t *decision.Tick, rows []decision.Decision) {
	b.t.Helper()
	batch := decision.Batch{Head: decision.Head{Genesis: "g", Chunk: chunk.Place{Whole: pane, Attempt: b.end(), Count: 1}, Tick: t}, Decisions: rows}
	value, err := batch.Encode()
	if err != nil {
		b.t.Fatal(err)
	}
	b.append(value)
}

func (b *book) append(value []byte) {
	b.t.Helper()
	p := schemas.Partition{Topic: schemas.Decisions}
	if _, err := b.log.Append(b.t.Context(), p, []schemas.Record{{Partition: p, Value: value}}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *book) end() int64 {
	_, end, err := b.log.Bounds(b.t.Context(), schemas.Partition{Topic: schemas.Decisions})
	if err != nil {
		b.t.Fatal(err)
	}
	return end
}

func row(resolver netip.Addr, reason decision.Reason, previous, path uint8, since int64) decision.Decision {
	return decision.Decision{
		Resolver: resolver, Path: path, Previous: previous, Since: since, Changed: 1, Reason: reason, Level: decision.Prefix,
		Candidate: 1, Runs: 12, Cells: 2, Ratio: -300, RatioLower: -420, RatioUpper: -150, OwnRatio: -330, OwnRuns: 9*decision.RunsOne + 16,
		GroupRatio: -200, GroupRuns: 4 * decision.RunsOne, WorstRatio: -120, WorstASN: 64500, WorstCountry: 'D'<<8 | 'E',
		Direct: 180_000, Gain: 33_000, Harm: 4_000, HarmLimit: 20_000, DefaultTries: 40, DefaultFailures: 1, CandidateTries: 39,
	}
}

// told is a log in which one resolver moves off the default path, back and off again, and others stay.
func told(t *testing.T) *book {
	b := &book{t: t, log: memlog.All(1)}
	few := decision.Decision{Resolver: moved, Changed: 1, Reason: decision.TooFew, Candidate: 1, Runs: 1, Cells: 1, DefaultTries: 6, CandidateTries: 6}
	b.tick(true, few, row(far, decision.Faster, 0, 1, first+minute))
	unsure := row(moved, decision.Uncertain, 0, 0, 0)
	unsure.Runs, unsure.OwnRuns, unsure.Harm, unsure.RatioUpper, unsure.Cells = 3, 3*decision.RunsOne, 61_000, 90, 1
	b.tick(false, unsure, row(near, decision.Faster, 0, 1, first+2*minute))
	b.tick(false, row(moved, decision.Faster, 0, 1, first+3*minute))
	b.append([]byte("rubbish"))
	down := row(moved, decision.CandidateDown, 1, 0, first+4*minute)
	down.CandidateFailures = 30
	b.tick(false, down)
	held := down
	held.Previous, held.Reason, held.CandidateFailures, held.Failovers = 0, decision.Held, 0, 1
	b.tick(false, held)
	b.tick(false, row(moved, decision.Faster, 0, 1, first+6*minute))
	return b
}

func teller() *story.Teller {
	p := control.DefaultPolicy()
	return &story.Teller{Paths: []string{"direct", "proxy"}, Length: minute, Policies: map[string]*control.Policy{hash: &p}}
}

func now(t *testing.T, b *book, resolver netip.Addr, ticks int) *story.Story {
	t.Helper()
	r := story.Reader{Log: b.log, Genesis: "g", Ticks: ticks}
	s, err := r.Now(t.Context(), resolver)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var update = flag.Bool("update", false, "rewrite golden files")

func same(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update rewrites it, if that is what was meant); got\n%s", file, got)
	}
}

func TestStoriesReadLikeThis(t *testing.T) {
	b := told(t)
	stays := row(second, decision.Uncertain, 0, 0, 0)
	stays.Changed = 0
	b.tick(false)
	snapshot := row(moved, decision.Faster, 1, 1, first+6*minute)
	snapshot.Changed = 0
	b.tick(true, stays, snapshot, row(near, decision.Faster, 1, 1, first+2*minute))
	b.tick(false)
	for name, resolver := range map[string]netip.Addr{
		"moved": moved, "no-state": netip.MustParseAddr("192.0.2.250"), "nobody": netip.MustParseAddr("2001:db8::53"),
	} {
		s := now(t, b, resolver, 1000)
		var text, machine bytes.Buffer
		m := &story.Map{Version: 7, Tick: 8}
		if resolver == moved {
			m.Path = 1
		}
		if err := teller().Write(&text, s, m); err != nil {
			t.Fatal(err)
		}
		same(t, "testdata/"+name+".txt", text.Bytes())
		if err := teller().WriteJSON(&machine, s, m); err != nil {
			t.Fatal(err)
		}
		same(t, "testdata/"+name+".json", machine.Bytes())
	}
}

// A resolver without a state of its own is where its prefix is, an exception is not, and both histories are told.
func TestAPrefixSaysWhereItsResolversAre(t *testing.T) {
	b := told(t)
	prefix := row(netip.MustParseAddr("192.0.2.0"), decision.Faster, 0, 1, first+7*minute)
	prefix.Bits = 24
	exception := row(second, decision.CellHarmed, 0, 0, 0)
	exception.Exception = 1
	b.tick(false, prefix, exception)
	unlisted := netip.MustParseAddr("192.0.2.250")
	for name, resolver := range map[string]netip.Addr{"prefix": unlisted, "exception": second} {
		s := now(t, b, resolver, 1000)
		var text bytes.Buffer
		if err := teller().Write(&text, s, &story.Map{Version: 7, Tick: 7, Path: s.Place().Decision.Path}); err != nil {
			t.Fatal(err)
		}
		same(t, "testdata/"+name+".txt", text.Bytes())
		again := story.FromChanges(resolver, s.At, s.Changes)
		if !reflect.DeepEqual(again.State, s.State) || !reflect.DeepEqual(again.Prefix, s.Prefix) {
			t.Errorf("%s: changes alone make %+v", name, again)
		}
	}
	prefix.Gone, prefix.Path, prefix.Previous = 1, 0, 1
	b.tick(false, prefix)
	if s := now(t, b, unlisted, 1000); s.Place() != nil || len(s.Changes) != 2 || len(s.Neighbours) != 3 {
		t.Errorf("%+v", s)
	}
}

func TestAStoryAsOfAnEarlierTick(t *testing.T) {
	b := told(t)
	r := story.Reader{Log: b.log, Genesis: "g", Ticks: 1000}
	third := now(t, b, moved, 1000).Changes[2]
	s, err := r.At(t.Context(), moved, third.Tick, third.Digest, 3)
	if err != nil || s.At != third.Moment || s.State.Decision.Path != 1 || len(s.Changes) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := r.At(t.Context(), moved, third.Tick, "another", 3); !errors.Is(err, story.ErrGone) {
		t.Errorf("another digest: %+v, %v", s, err)
	}
	if err := b.log.Trim(schemas.Partition{Topic: schemas.Decisions}, 2); err != nil {
		t.Fatal(err)
	}
	if s, err := r.At(t.Context(), moved, third.Tick, third.Digest, 3); !errors.Is(err, story.ErrGone) {
		t.Errorf("retention took the snapshot: %+v, %v", s, err)
	}
	if s, err := r.Now(t.Context(), moved); !errors.Is(err, story.ErrNoTick) {
		t.Errorf("no snapshot: %+v, %v", s, err)
	}
}

// A tick that lost a race stands in the log and was never anybody's state.
func TestTheLoserOfARaceIsNotTold(t *testing.T) {
	b := told(t)
	before := b.last
	b.tick(false)
	loser := decision.Tick{Number: before.Number + 1, Policy: hash, Previous: before.Digest}
	rows := []decision.Decision{row(moved, decision.CandidateDown, 1, 0, first+7*minute)}
	pane := first + 7*minute
	loser.Digest = decision.Digest(loser.Previous, pane, hash, rows)
	b.write(pane, &loser, rows)
	if s := now(t, b, moved, 1000); s.State.Decision.Path != 1 || len(s.Changes) != 6 {
		t.Errorf("%+v", s)
	}
}

func TestFewTicksAreLookedAtWhereFewAreAskedFor(t *testing.T) {
	b := told(t)
	for i := range 200 {
		state := row(moved, decision.Faster, 1, 1, first+6*minute)
		state.Changed = 0
		b.tick(i%10 == 0, state)
	}
	if s := now(t, b, moved, 5); s.Whole || len(s.Changes) != 0 || s.State == nil {
		t.Errorf("%+v", s)
	}
	if s := now(t, b, moved, 205); !s.Whole || len(s.Changes) != 6 {
		t.Errorf("%+v", s)
	}
}

func TestChangesAloneMakeAStory(t *testing.T) {
	b := told(t)
	full := now(t, b, moved, 1000)
	s := story.FromChanges(moved, full.At, full.Changes)
	if s.State == nil || *s.State != *full.State || !s.Whole {
		t.Errorf("%+v", s)
	}
	full.Changes[5].Decision.Gone = 1
	if s := story.FromChanges(moved, full.At, full.Changes); s.State != nil {
		t.Errorf("%+v", s)
	}
	if s := story.FromChanges(moved, full.At, nil); s.State != nil {
		t.Errorf("%+v", s)
	}
}

func TestPoliciesAreFoundByTheirHash(t *testing.T) {
	log := memlog.All(1)
	p := control.DefaultPolicy()
	other := p
	other.Hold++
	var records []schemas.Record
	for _, c := range []control.Record{{Policy: &p}, {Policy: &other}} {
		r, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	if _, err := log.Append(t.Context(), schemas.Partition{Topic: schemas.Control}, records); err != nil {
		t.Fatal(err)
	}
	got, err := story.Policies(t.Context(), log)
	if err != nil || len(got) != 2 || got[other.Hash()].Hold != p.Hold+1 {
		t.Errorf("%v, %v", got, err)
	}
}
