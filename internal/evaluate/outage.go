package evaluate

import (
	"math"
	"slices"

	"detour/schemas/sample"
)

// hit is a resolver whose path an outage kills for some of its users. What it knows of the outage is the same under every
// rule.
type hit struct {
	outage, resolver int
	weight           float64 // of the users that it kills the path for
	most             bool    // of the resolver's users: one answer has to do for all
	evidence         int     // first pane with a run that met the outage; -1 = none
}

// outages follows what outages do to resolvers, and what rules make of it.
type outages struct {
	layout *Layout
	hits   []hit
	byRun  map[[2]int][]int // resolver, population: its hits
	rules  []*rule
	begun  [][]stay // by rule: aligned with hits; nil where a rule had the resolver on another path
}

// stay is what became, under a rule, of a resolver that is on a path when it dies.
type stay struct {
	here        bool // it was on that path
	path        uint8
	moved, back int // panes whose tick moved it off, and back; -1 = none
}

func newOutages(l *Layout, rules []*rule) *outages {
	o := &outages{layout: l, rules: rules, byRun: make(map[[2]int][]int), begun: make([][]stay, len(rules))}
	for i := range l.Outages {
		for r := range l.Resolvers {
			h := hit{outage: i, resolver: r, evidence: -1}
			all := 0.0
			for _, s := range l.Resolvers[r].Shares {
				all += s.Weight
				if _, found := slices.BinarySearch(l.Outages[i].Populations, s.Population); found {
					h.weight += s.Weight
					at := [2]int{r, s.Population}
					o.byRun[at] = append(o.byRun[at], len(o.hits))
				}
			}
			if h.weight > 0 {
				h.most = 2*h.weight >= all
				o.hits = append(o.hits, h)
			}
		}
	}
	for i := range o.begun {
		o.begun[i] = make([]stay, len(o.hits))
	}
	return o
}

// begin notes, before the runs of a pane, which rules have whom on a path that dies in it.
func (o *outages) begin(pane int) {
	for i := range o.hits {
		h := &o.hits[i]
		out := &o.layout.Outages[h.outage]
		if out.From != pane {
			continue
		}
		for r, rule := range o.rules {
			path := rule.paths[h.resolver]
			o.begun[r][i] = stay{out.Path == LastMile || int(path) == out.Path, path, -1, -1}
		}
	}
}

// add looks at a run for what it met of an outage: most of its requests over the dead path failed.
func (o *outages) add(pane int, r *Run) {
	if len(o.hits) == 0 {
		return
	}
	population := o.layout.Resolvers[r.Resolver].Shares[r.Share].Population
	for _, i := range o.byRun[[2]int{r.Resolver, population}] {
		h := &o.hits[i]
		out := &o.layout.Outages[h.outage]
		if h.evidence < 0 && out.Path != LastMile && pane >= out.From && pane < out.To && fails(r.Pulses[out.Path]) {
			h.evidence = pane
		}
	}
}

func fails(pulses []Pulse) bool {
	failed := 0
	for _, p := range pulses {
		if p.Outcome == sample.GatewayError || p.Outcome == sample.Unreachable {
			failed++
		}
	}
	return failed > 0 && 2*failed >= len(pulses)
}

// end notes, after the tick of a pane, who was moved.
func (o *outages) end(pane int) {
	for i := range o.hits {
		h := &o.hits[i]
		out := &o.layout.Outages[h.outage]
		if pane < out.From {
			continue
		}
		for r, rule := range o.rules {
			s := &o.begun[r][i]
			away := rule.paths[h.resolver] != s.path
			switch {
			case !s.here:
			case away && s.moved < 0 && pane < out.To:
				s.moved = pane
			case !away && s.moved >= 0 && s.back < 0 && pane >= out.To:
				s.back = pane
			}
		}
	}
}

// figures puts what rule number r made of the outages into f. Panes are counted from the one with the first evidence, 1
// being the tick of that pane, 0 an earlier one: of evidence that others gave. Who was never moved counts as moved at the
// outage's end.
func (o *outages) figures(r int, f *Figures) {
	var own, start, back []weighted
	var first, firstAll, known, knownAll, all, moved, returned, lastMile, lastMileMoved float64
	for i := range o.hits {
		h, s := &o.hits[i], &o.begun[r][i]
		out := &o.layout.Outages[h.outage]
		switch {
		case !s.here:
			continue
		case out.Path == LastMile:
			if h.most {
				lastMile += h.weight
				if s.moved >= 0 {
					lastMileMoved += h.weight
				}
			}
			continue
		}
		at := s.moved
		if at < 0 {
			at = out.To - 1
		}
		told := h.evidence >= 0 || s.moved >= 0
		soon := s.moved >= 0 && (h.evidence < 0 || s.moved <= h.evidence)
		if told {
			knownAll += h.weight
			if soon {
				firstAll += h.weight
			}
		}
		if !h.most {
			continue
		}
		all += h.weight
		start = append(start, weighted{float64(at - out.From + 1), h.weight})
		if told {
			known += h.weight
			wait := 0
			if h.evidence >= 0 {
				wait = max(0, at-h.evidence+1)
			}
			own = append(own, weighted{float64(wait), h.weight})
			if soon {
				first += h.weight
			}
		}
		if s.moved >= 0 {
			moved += h.weight
			if s.back >= 0 {
				returned += h.weight
				back = append(back, weighted{float64(s.back - out.To + 1), h.weight})
			}
		}
	}
	f[RerouteP50], f[RerouteP95] = quantile(own, 0.5), quantile(own, 0.95)
	f[RerouteStartP50], f[RerouteStartP95] = quantile(start, 0.5), quantile(start, 0.95)
	f[BackP50], f[BackP95] = quantile(back, 0.5), quantile(back, 0.95)
	f[ReroutedFirstPane], f[ReroutedFirstPaneAll] = share(first, known), share(firstAll, knownAll)
	f[ReroutedShare], f[BackShare], f[LastMileMoved] = share(moved, all), share(returned, moved), share(lastMileMoved, lastMile)
}

// share is NaN of nothing.
func share(part, all float64) float64 {
	if all == 0 {
		return math.NaN()
	}
	return part / all
}
