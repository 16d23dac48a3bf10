package evaluate

import (
	"math"
	"slices"

	"detour/schemas/decision"
)

// reroutes gathers, for one rule, what became of resolvers whose path died.
type reroutes struct {
	own, start, back []weighted // panes from the first evidence, from the outage's beginning, and back from its end
	told, soon       float64    // users whose resolver had evidence, or was moved; of them moved in its pane, or before it
	toldAll, soonAll float64    // the same, whichever part of their resolver's users they are
	all, moved, home float64    // users; of them moved, of these moved back
	lastMile, strays float64    // users without a last mile; of them moved
}

// figures puts what rule number r made of the outages into f. Panes are counted from the one with the first evidence: 1 is
// the tick of that pane, 0 an earlier one, by what others had met. Who was never moved counts as moved by the outage's end.
func (o *outages) figures(r int, f *Figures) {
	var n reroutes
	for _, h := range slices.Concat(o.done, o.active) {
		if s := &h.stays[r]; s.here {
			n.count(h, s)
		}
	}
	f[RerouteP50], f[RerouteP95] = quantile(n.own, 0.5), quantile(n.own, 0.95)
	f[RerouteStartP50], f[RerouteStartP95] = quantile(n.start, 0.5), quantile(n.start, 0.95)
	f[BackP50], f[BackP95] = quantile(n.back, 0.5), quantile(n.back, 0.95)
	f[ReroutedFirstPane], f[ReroutedFirstPaneAll] = share(n.soon, n.told), share(n.soonAll, n.toldAll)
	f[ReroutedShare], f[BackShare] = share(n.moved, n.all), share(n.home, n.moved)
	f[LastMileMoved] = share(n.strays, n.lastMile)
}

// byLevel puts the panes that it took the policy into f, where evidence of a level decided.
func (o *outages) byLevel(level decision.Level, f *Figures) {
	var n reroutes
	for _, h := range slices.Concat(o.done, o.active) {
		if s := &h.stays[0]; s.here && s.moved >= 0 && s.level == level {
			n.count(h, s)
		}
	}
	f[RerouteP50], f[RerouteP95] = quantile(n.own, 0.5), quantile(n.own, 0.95)
}

func (n *reroutes) count(h *hit, s *stay) {
	add := func(to *float64, yes bool) {
		if yes {
			*to += h.weight
		}
	}
	if h.outage.Path == LastMile {
		add(&n.lastMile, h.most)
		add(&n.strays, h.most && s.moved >= 0)
		return
	}
	told := h.evidence >= 0 || s.moved >= 0
	soon := s.moved >= 0 && (h.evidence < 0 || s.moved <= h.evidence)
	add(&n.toldAll, told)
	add(&n.soonAll, soon)
	if !h.most {
		return
	}
	add(&n.told, told)
	add(&n.soon, soon)
	add(&n.all, true)
	add(&n.moved, s.moved >= 0)
	add(&n.home, s.back >= 0)
	at := s.moved
	if at < 0 {
		at = h.outage.To - 1
	}
	n.start = append(n.start, weighted{float64(at - h.outage.From + 1), h.weight})
	switch {
	case h.evidence >= 0:
		n.own = append(n.own, weighted{float64(max(0, at-h.evidence+1)), h.weight})
	case told:
		n.own = append(n.own, weighted{0, h.weight})
	}
	if s.back >= 0 {
		n.back = append(n.back, weighted{float64(s.back - h.outage.To + 1), h.weight})
	}
}

// share is NaN of nothing.
func share(part, all float64) float64 {
	if all == 0 {
		return math.NaN()
	}
	return part / all
}
