package decide

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/control"
	"detour/schemas/decision"
)

// row returns the decision about a resolver that was on a path and is sent over another, with that many runs.
func sent(i int, previous, path uint8, reason decision.Reason, runs uint32, gain int32, harm uint32) decision.Decision {
	return decision.Decision{
		Resolver: address(i), Previous: previous, Path: path, Reason: reason, OwnRuns: runs * decision.RunsOne, Candidate: 1, Gain: gain, Harm: harm,
	}
}

func TestLimit(t *testing.T) {
	rows := []decision.Decision{
		sent(1, 0, 0, decision.NotFaster, 40, 0, 500_000),
		sent(2, 0, 1, decision.Faster, 20, 900, 0),
		sent(3, 1, 1, decision.Held, 20, 100, 0),
		sent(4, 1, 1, decision.DefaultDown, 19, 0, 900_000),
		sent(5, 1, 1, decision.AllDown, 1, 0, 900_000),
	}
	for _, c := range []struct {
		name    string
		limits  *allocation
		refused []int
		why     decision.Reason
	}{
		{"no limit", limits(0, 0, 0, nil), nil, 0},
		{"a wide one", limits(1, 0, 0, control.Capacity{"a": 600_000}), nil, 0},
		{"a ceiling", limits(0, 0, 0, control.Capacity{"a": 400_000}), []int{2}, decision.OverCapacity},
		{"only rescues fit", limits(0, 0, 0, control.Capacity{"a": 100_000}), []int{1, 2}, decision.OverCapacity},
	} {
		got := slices.Clone(rows)
		refused := c.limits.limit(got)
		if !slices.Equal(refused, c.refused) {
			t.Errorf("%s: refuses %v, want %v", c.name, refused, c.refused)
		}
		for i := range got {
			want := rows[i]
			if slices.Contains(c.refused, i) {
				want.Path, want.Reason = 0, c.why
			}
			if got[i] != want {
				t.Errorf("%s: %+v, want %+v", c.name, got[i], want)
			}
		}
	}
	harmful := []decision.Decision{sent(1, 0, 1, decision.Faster, 1, 100, 10_000), sent(2, 0, 0, decision.NotFaster, 1, 0, 0)}
	if refused := limits(5000, 0, 0, nil).limit(harmful); refused != nil {
		t.Errorf("refuses %v for half of a harm of 1 %%", refused)
	}
	if refused := limits(4999, 0, 0, nil).limit(harmful); len(refused) != 1 || harmful[0].Reason != decision.OverBudget {
		t.Errorf("refuses %v above the budget: %+v", refused, harmful[0])
	}
}

// With evidence that stays as it is, tick after tick, limits do not make anybody flap: what does not fit is refused at
// once, and from then on nobody moves.
func TestLimitsComeToRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		proposals, a := drawProposals(t, 100), drawLimits(t)
		where := make([]uint8, len(proposals))
		for i := range proposals {
			where[i] = proposals[i].current
		}
		for tick := range 4 {
			rows := make([]decision.Decision, len(proposals))
			for i := range proposals {
				p := &proposals[i]
				rows[i] = sent(i, where[i], p.first.path, decision.Faster, p.weight, p.first.gain, p.first.harm)
			}
			a.limit(rows)
			moved := 0
			for i := range rows {
				if rows[i].Path != where[i] {
					where[i] = rows[i].Path
					moved++
				}
			}
			if tick >= 3 && moved > 0 {
				t.Fatalf("tick %d: %d moves though nothing changed", tick, moved)
			}
		}
	})
}
