package history

import (
	"testing"
)

// Every number of a decision is in the column that is named after it, in the unit that the column says.
func TestDecisionsAreStoredByName(t *testing.T) {
	s := migrated(t)
	p := newPipeline(t, 1)
	p.decide(1_000_000*paneMS, 1, 1, true)
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	const query = `SELECT concat('ratio ', ratio_lower, ' ', ratio, ' ', ratio_upper, ' own ', own_ratio, ' of ', own_runs,
		' group ', group_ratio, ' of ', group_runs, ' harm ', harm, ' of ', harm_limit, ' penalty ', penalty, ' failovers ', failovers) FROM decisions`
	const want = "ratio -1 -0.5 -0.25 own -0.75 of 5.5 group 0.5 of 1.5 harm 0.005 of 0.02 penalty 3 failovers 1"
	if got := scan[string](t, s, query); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	const view = "SELECT concat(event, ' ', harm_pct, ' of ', harm_limit_pct) FROM resolver_history(resolver = $1)"
	if got := scan[string](t, s, view, address(0).String()); got != "decision 0.5 of 2" {
		t.Error(got)
	}
}
