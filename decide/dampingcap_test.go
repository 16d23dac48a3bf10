package decide

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/control"
	"detour/schemas/decision"
)

// most finds by trying all there is to try how many improvements a day of few panes can have. It asks charge and
// suppressed themselves.
func most(d *damping, hold int64, panes, pane, last int64, penalty uint32) int {
	best := 0
	for at := pane; at < panes; at++ {
		if last >= 0 && (at-last < hold || d.suppressed(penalty, at-last)) {
			continue
		}
		after := d.charge(penalty, at-max(last, 0), true)
		if last < 0 {
			after = d.charge(0, 0, true)
		}
		best = max(best, 1+most(d, hold, panes, at+1, at, after))
	}
	return best
}

func TestMostImprovementsByBruteForce(t *testing.T) {
	slack := 0
	rapid.Check(t, func(t *rapid.T) {
		of := control.Damping{
			Penalty: rapid.IntRange(200, 3000).Draw(t, "penalty"), Reuse: rapid.IntRange(100, 1500).Draw(t, "reuse"),
			HalfLife: rapid.IntRange(1, 12).Draw(t, "half-life"), Longest: rapid.IntRange(1, 20).Draw(t, "longest"),
		}
		of.Suppress = of.Reuse + rapid.IntRange(0, 1500).Draw(t, "above reuse")
		d, hold, panes := newDamping(&of), rapid.Int64Range(1, 6).Draw(t, "hold"), rapid.Int64Range(1, 15).Draw(t, "panes")
		want, got := int64(most(&d, hold, panes, 0, -1, 0)), d.improvements(panes, hold)
		if got < want || got > want+1 {
			t.Fatalf("at most %d improvements, %d were made", got, want)
		}
		slack += int(got - want)
	})
	t.Logf("above the most that was made, in all cases together: %d", slack)
}

// adversary makes evidence that flips whenever stability lets it.
type adversary struct {
	s  stability
	at stay
}

// play lets a pane pass and reports whether the path changed. wanted is what latency asks for: a path that is better than
// all others, or 0 where every candidate harms.
func (a *adversary) play(pane int64, wanted uint8) bool {
	harms := decision.Decision{Candidate: max(a.at.path, 1), Reason: decision.CellHarmed, Direct: 100_000, Gain: 1000, Harm: 900_000, HarmLimit: 20_000}
	best, here := harms, harms
	if wanted != 0 {
		best = decision.Decision{Candidate: wanted, Reason: decision.Faster, Direct: 100_000, Gain: 50_000, HarmLimit: 20_000}
		here = best
		if a.at.path != wanted {
			here.Candidate, here.Gain = a.at.path, 1000
		}
	}
	d := a.s.latency(&a.at, pane, &best, &here)
	return a.settle(pane, &d)
}

func (a *adversary) settle(pane int64, d *decision.Decision) bool {
	a.s.settle(&a.at, pane, d)
	moved := d.Path != d.Previous
	a.at = stay{path: d.Path, reason: d.Reason, since: d.Since, penalty: d.Penalty}
	return moved
}

// greedy wants to be elsewhere at every pane, and returns the largest number of changes within a day.
func greedy(p *control.Policy, days int64, back bool) int {
	a := adversary{s: newStability(p, 0, minute)}
	var moves []int64
	worst := 0
	for i := range days * day / minute {
		pane := firstPane + i*minute
		wanted := a.at.path%2 + 1 // the other candidate
		if back && a.at.path != 0 {
			wanted = 0
		}
		if a.play(pane, wanted) {
			moves = append(moves, pane)
		}
		for len(moves) > 0 && pane-moves[0] >= day {
			moves = moves[1:]
		}
		worst = max(worst, len(moves))
	}
	return worst
}

func TestMovesPerDay(t *testing.T) {
	standard := control.DefaultPolicy()
	if got := MaxMovesPerDay(&standard, minute); got != 41 {
		t.Errorf("the default policy allows %d changes a day; docs/formats/control.md says 41", got)
	}
	internet := standard
	internet.Damping = control.Damping{Penalty: 1000, Suppress: 2000, Reuse: 750, HalfLife: 15, Longest: 60}
	undamped := standard
	undamped.Damping = control.Damping{}
	wild := undamped
	wild.Hold = 0
	for _, c := range []struct {
		name    string
		policy  control.Policy
		reaches int // what the greedy one gets to at least
	}{
		{"default", standard, 15}, {"as on the Internet", internet, 150}, {"undamped", undamped, 250}, {"nothing", wild, 1440},
	} {
		limit := MaxMovesPerDay(&c.policy, minute)
		got := max(greedy(&c.policy, 3, true), greedy(&c.policy, 3, false))
		t.Logf("%s: %d changes a day, at most %d", c.name, got, limit)
		if got > limit || got < c.reaches {
			t.Errorf("%s: %d changes a day, it should be %d to %d", c.name, got, c.reaches, limit)
		}
	}
}

// Whatever latency asks for, and whatever reachability does in between, no day has more changes than the cap, and two for
// each that reachability made off the default path or between candidates.
func TestNobodyBeatsTheCap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := control.DefaultPolicy()
		p.Hold = rapid.IntRange(0, 30).Draw(t, "hold")
		p.Damping = drawDamping(t)
		limit := MaxMovesPerDay(&p, minute)
		a := adversary{s: newStability(&p, 0, minute)}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		calm, outages := rapid.IntRange(1, 200).Draw(t, "calm"), rapid.SampledFrom([]int{0, 0, 3, 30}).Draw(t, "outages")
		var changes, failovers []int64
		for i := range int64(2 * day / minute) {
			pane := firstPane + i*minute
			moved := false
			switch {
			case outages > 0 && r.IntN(1440/outages) == 0:
				d := decision.Decision{Path: uint8(r.IntN(3)), Reason: decision.DefaultDown}
				if d.Path == 0 {
					d.Reason = decision.CandidateDown
				}
				if moved = a.settle(pane, &d); moved && d.Path != 0 {
					failovers = append(failovers, pane)
				}
			case r.IntN(calm) == 0:
				moved = a.play(pane, uint8(r.IntN(3)))
			default:
				moved = a.play(pane, a.at.path)
			}
			if moved {
				changes = append(changes, pane)
			}
			for len(changes) > 0 && pane-changes[0] >= day {
				changes = changes[1:]
			}
			for len(failovers) > 0 && pane-failovers[0] >= day {
				failovers = failovers[1:]
			}
			if allowed := limit + 2*len(failovers) + 1; len(changes) > allowed {
				t.Fatalf("pane %d: %d changes within a day, %d are allowed", i, len(changes), allowed)
			}
		}
	})
}

func ExampleMaxMovesPerDay() {
	p := control.DefaultPolicy()
	fmt.Println(MaxMovesPerDay(&p, 60_000))
	// Output: 41
}

// A path that is clearly better and clearly worse by turns, all day long, moves nobody more often than the cap says,
// whichever evidence of it a machine looks at.
func TestAFlappingPathStaysWithinTheCap(t *testing.T) {
	p := control.DefaultPolicy()
	p.Window, p.Hold = 20, 3
	limit := MaxMovesPerDay(&p, minute)
	var panes [][]seen
	for i := range int(day / minute) {
		bins := int16(-8)
		if i/10%2 == 1 {
			bins = 8
		}
		panes = append(panes, both(berlin, 6, bins, bins))
	}
	moves, path := 0, uint8(0)
	for _, d := range play(t, 2, p, panes...) {
		if d.Path != path {
			moves, path = moves+1, d.Path
		}
	}
	if t.Logf("%d changes a day, at most %d", moves, limit); moves < 2 || moves > limit {
		t.Errorf("%d changes a day, it should be 2 to %d", moves, limit)
	}
}
