package decide

import (
	"cmp"
	"net/netip"
	"slices"

	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// resolver is what is known of one resolver: evidence, and where its users are sent.
type resolver struct {
	address netip.Addr
	series  []*series // by cell, path and class

	path    uint8
	reason  decision.Reason
	since   int64  // see decision.Decision
	penalty uint32 // the same
	known   bool   // a tick has said so
	dirty   bool   // to be decided at the next tick
}

func (r *resolver) stay() stay {
	return stay{path: r.path, reason: r.reason, since: r.since, penalty: r.penalty}
}

// series is the evidence of one cell, path and connection class, summed over the panes of the window. All of it is
// counts: adding a pane and later taking it away leaves no trace.
type series struct {
	of    *resolver
	cell  window.Cell
	path  uint8
	class sample.Class

	rows            uint32 // windows that it is the sum of
	tries, failures uint32 // samples, in the policy's reachability window only
	runs            uint32 // with a paired ratio
	shape           bars   // on the default path: coarse latency; on others: paired ratio, in window's ratio bins
}

func (s *series) compare(t *series) int {
	return cmp.Or(window.CompareCells(s.cell, t.cell), cmp.Compare(s.path, t.path), cmp.Compare(s.class, t.class))
}

// at returns the resolver's series for w, a new one where there was none.
func (r *resolver) at(w *window.Window) *series {
	key := series{of: r, cell: w.Cell(), path: w.Path, class: w.Class}
	i, found := slices.BinarySearchFunc(r.series, &key, func(a, b *series) int { return a.compare(b) })
	if !found {
		r.series = slices.Insert(r.series, i, &key)
	}
	return r.series[i]
}

// drop forgets a series that has nothing left.
func (r *resolver) drop(s *series) {
	i, _ := slices.BinarySearchFunc(r.series, s, func(a, b *series) int { return a.compare(b) })
	r.series = slices.Delete(r.series, i, i+1)
}
