package history

import (
	"errors"
	"testing"
)

// Every number of a decision is in the column that is named after it, in the unit that the column says.
func TestDecisionsAreStoredByName(t *testing.T) {
	s := migrated(t)
	p := newPipeline(t, 1)
	const pane = 1_000_000 * paneMS
	p.decide(pane, 1, 1, true)
	p.publish(pane, nil)
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
	got, err := s.Recall(t.Context(), address(0), 1, p.genesis.PathIDs())
	if err != nil || len(got) != 1 || got[0].Decision != p.decision(pane, address(0)) || got[0].Tick != 1 || got[0].Pane != pane || got[0].Policy != policyHash {
		t.Errorf("%+v, %v, want %+v", got, err, p.decision(pane, address(0)))
	}
	if got, err := s.Recall(t.Context(), address(0), 0, p.genesis.PathIDs()); err != nil || len(got) != 0 {
		t.Errorf("before the first tick: %+v, %v", got, err)
	}
	if m, err := s.MadeOf(t.Context(), 1); err != nil || m != (Made{pane, 1, policyHash}) {
		t.Error(m, err)
	}
	if m, err := s.MadeOf(t.Context(), 2); !errors.Is(err, ErrNotStored) {
		t.Error(m, err)
	}
}
