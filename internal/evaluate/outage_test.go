package evaluate

import (
	"math"
	"testing"

	"detour/schemas/decision"
)

// TestReroutesAreCounted follows four resolvers of equal weight, all on the proxy path but the last, through an outage of
// it in panes 2 to 5, and two of them through the loss of their last mile in panes 8 and 9.
func TestReroutesAreCounted(t *testing.T) {
	f := newFake(20, 4, 2)
	f.layout.Outages = []Outage{
		{Populations: []int{0, 1, 2, 3}, Path: 1, From: 2, To: 6},
		{Populations: []int{0, 1}, Path: LastMile, From: 8, To: 10},
	}
	f.measure(3, 0, 100, 0)  // the first resolver hears of it in pane 3,
	f.measure(2, 1, 100, 50) // the second does not in pane 2,
	f.measure(4, 1, 100, 0)  // but in pane 4; the third never does
	r := newRule(Policy, 4, nil)
	r.paths = []uint8{1, 1, 1, 0}
	slow := newRule("slow", 4, nil) // moves one when the outage is over, one in time, and nobody back
	slow.paths = []uint8{1, 1, 0, 0}
	o := newOutages(&f.layout, []*rule{r, slow}, func(int) decision.Level { return decision.Cell })
	moves := map[int][2]int{3: {0, 0}, 5: {1, 0}, 7: {0, 1}, 8: {1, 1}, 9: {2, 0}} // by pane: the resolver, its path
	for pane := range f.layout.Panes {
		o.begin(pane)
		for run := range f.Runs(pane) {
			o.add(pane, run)
		}
		if m, any := moves[pane]; any {
			r.set(m[0], uint8(m[1]))
		}
		switch pane {
		case 4:
			slow.set(1, 0)
		case 6:
			slow.set(0, 0)
		}
		o.end(pane)
	}
	got := noFigures()
	o.figures(1, &got)
	if got[ReroutedShare] != 0.5 || got[RerouteP95] != 3 || got[BackShare] != 0 || got[LastMileMoved] != 0 {
		t.Errorf("the slow rule: %v", got)
	}
	got = noFigures()
	o.byLevel(decision.Resolver, &got)
	if !math.IsNaN(got[RerouteP50]) {
		t.Errorf("rerouted by what was not known: %v", got[RerouteP50])
	}
	if o.byLevel(decision.Cell, &got); got[RerouteP50] != 1 || got[RerouteP95] != 2 {
		t.Errorf("by cell: %v, %v", got[RerouteP50], got[RerouteP95])
	}
	o.figures(0, &got)
	for figure, want := range map[Figure]float64{
		RerouteP50:           1,          // the first in the pane of its evidence, the second one pane later; the third had none
		RerouteP95:           2,          //
		RerouteStartP50:      4,          // 2, 4 and, of the third, all that the outage lasted
		RerouteStartP95:      4,          //
		ReroutedFirstPane:    1.0 / 2,    // of those with evidence
		ReroutedFirstPaneAll: 1.0 / 2,    //
		ReroutedShare:        2.0 / 3,    //
		BackShare:            2.0 / 2,    // in panes 7 and 8: the second and third behind the outage
		BackP50:              2,          //
		BackP95:              3,          //
		LastMileMoved:        1.0 / 2,    // the second, in pane 8; the third had a last mile
		PoisonedFlipped:      math.NaN(), // nobody lied
	} {
		if !near(got[figure], want, 1e-9) {
			t.Errorf("%s is %v, want %v", figure, got[figure], want)
		}
	}
}

// TestAMinorityBehindAResolverIsCountedApart: one answer has to do for all users of a resolver.
func TestAMinorityBehindAResolverIsCountedApart(t *testing.T) {
	f := newFake(5, 2, 2)
	f.layout.Resolvers[0].Shares = []Share{{Population: 0, Weight: 0.1}, {Population: 1, Weight: 0.4}}
	f.layout.Outages = []Outage{{Populations: []int{0}, Path: 0, From: 1, To: 4}}
	f.measure(1, 0, 0, 50)
	r := newRule(Policy, 2, nil)
	o := newOutages(&f.layout, []*rule{r}, func(int) decision.Level { return decision.Cell })
	for pane := range f.layout.Panes {
		o.begin(pane)
		for run := range f.Runs(pane) {
			o.add(pane, run)
		}
		o.end(pane)
	}
	got := noFigures()
	o.figures(0, &got)
	if !math.IsNaN(got[ReroutedFirstPane]) || got[ReroutedFirstPaneAll] != 0 || !math.IsNaN(got[RerouteStartP50]) {
		t.Errorf("got %v, %v, %v", got[ReroutedFirstPane], got[ReroutedFirstPaneAll], got[RerouteStartP50])
	}
}
