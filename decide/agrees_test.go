package decide

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/decision"
)

// TestMachineAgreesWithADumbOne compares every row and every state of random scenes with those of the reference.
func TestMachineAgreesWithADumbOne(t *testing.T) {
	var moved, reasons [decision.Reasons]int
	var levels [decision.Levels]int
	var prefixes, exceptions, compared, passed int
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t, rapid.Bool().Draw(t, "lossy"))
		out, err := s.run(s.machine(), rand.New(rand.NewPCG(1, 2)), 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		wholes := ticks(t, out)
		if len(wholes) != len(s.panes) {
			t.Fatalf("%d ticks of %d panes", len(wholes), len(s.panes))
		}
		f := &reference{paths: len(s.genesis.Paths), ids: s.genesis.PathIDs(), width: s.width, state: make(map[subject]decision.Decision)}
		for i, w := range wholes {
			changed := f.tick(w.Pane, s.panes[i], s.policies[i])
			if err := f.differs(w, changed); err != "" {
				if f.close { // rounding may have decided, and the two have parted
					passed++
					return
				}
				t.Fatalf("tick %d: %s", i+1, err)
			}
			if short := slices.Contains(s.missing[i+1-f.held:i+1], true); w.Tick.Totals.Incomplete != short {
				t.Fatalf("tick %d: incomplete %t, panes %v of which it has %d", i+1, w.Tick.Totals.Incomplete, s.missing, f.held)
			}
			if w.Tick.Snapshot != (i%s.policies[i].Publish.Snapshot == 0) {
				t.Fatalf("tick %d: snapshot %t", i+1, w.Tick.Snapshot)
			}
			compared++
			for _, d := range w.Decisions {
				if d.Changed == 0 {
					continue
				}
				reasons[d.Reason]++
				levels[d.Level]++
				if d.Path != d.Previous {
					moved[d.Reason]++
				}
				if d.Bits > 0 {
					prefixes++
				}
				exceptions += int(d.Exception)
			}
		}
	})
	t.Logf("%d ticks, %d scenes left early; rows by reason %v, by level %v, moves %v, prefixes %d, exceptions %d",
		compared, passed, reasons, levels, moved, prefixes, exceptions)
	for _, r := range []decision.Reason{
		decision.NoEvidence, decision.TooFew, decision.Uncertain, decision.NotFaster, decision.CellHarmed, decision.CandidateDown,
		decision.AllDown, decision.Faster, decision.DefaultDown, decision.Held, decision.Damped,
		decision.OverCapacity, decision.OverBudget, decision.RegionDown, decision.GroupUnsure,
	} {
		if reasons[r] == 0 {
			t.Errorf("no scene led to %s", r)
		}
	}
	if prefixes == 0 || exceptions == 0 {
		t.Errorf("%d rows about prefixes, %d exceptions", prefixes, exceptions)
	}
}

// differs compares what a tick wrote with what changed, and a snapshot with the state. It returns "" if they agree.
func (f *reference) differs(w *decision.Whole, changed map[subject]decision.Decision) string {
	shown := 0
	for i := range w.Decisions {
		d := &w.Decisions[i]
		key := subject{d.Resolver, d.Bits}
		want, ok := changed[key]
		if d.Changed == 0 && ok || d.Changed == 1 && !ok {
			return disagreement(d, &want)
		}
		if d.Changed == 0 {
			want = f.state[key]
		}
		if !agree(d, &want) {
			return disagreement(d, &want)
		}
		delete(changed, key)
		shown += 1 - int(d.Gone)
	}
	for _, d := range changed {
		return disagreement(&decision.Decision{}, &d)
	}
	resolvers := int64(0)
	for key := range f.state {
		if key.bits == 0 {
			resolvers++
		}
	}
	switch {
	case w.Tick.Snapshot && shown != len(f.state):
		return "the snapshot is not of everybody"
	case w.Tick.Totals.Resolvers != resolvers:
		return "another number of resolvers"
	}
	return ""
}

// agree allows rounded figures some units in the last place.
func agree(got, want *decision.Decision) bool {
	if got.Path != want.Path || got.Reason != want.Reason || got.Gone != want.Gone || got.Exception != want.Exception ||
		got.Previous != want.Previous || got.Candidate != want.Candidate || got.Runs != want.Runs || got.Cells != want.Cells ||
		want.Level != decision.None && got.Level != want.Level || got.GroupRuns != want.GroupRuns || got.OwnRuns != want.OwnRuns ||
		got.DefaultTries != want.DefaultTries || got.DefaultFailures != want.DefaultFailures ||
		got.CandidateTries != want.CandidateTries || got.CandidateFailures != want.CandidateFailures {
		return false
	}
	if got.Gone == 1 {
		return true
	}
	near := func(a, b, most int64) bool { return a-b <= most && b-a <= most }
	if !near(int64(got.Direct), int64(want.Direct), 1) || got.Since != want.Since || got.Penalty != want.Penalty || got.Failovers != want.Failovers ||
		!near(int64(got.Gain), int64(want.Gain), 1+int64(math.Abs(float64(want.Direct))*1e-6)) || !near(int64(got.Harm), int64(want.Harm), 3) {
		return false
	}
	for _, pair := range [][2]int32{
		{got.Ratio, want.Ratio},
		{got.RatioLower, want.RatioLower},
		{got.RatioUpper, want.RatioUpper},
		{got.OwnRatio, want.OwnRatio},
		{got.GroupRatio, want.GroupRatio},
		{got.WorstRatio, want.WorstRatio},
	} {
		if !near(int64(pair[0]), int64(pair[1]), 1) {
			return false
		}
	}
	return got.WorstASN == want.WorstASN && got.WorstCountry == want.WorstCountry
}

func disagreement(got, want *decision.Decision) string {
	return fmt.Sprintf("\n got %+v\nwant %+v", *got, *want)
}
