package evaluate

import (
	"slices"

	"detour/schemas/decision"
	"detour/schemas/sample"
)

// backHorizon is how many panes after an outage a resolver is watched for its way back.
const backHorizon = 240

// hit is a resolver whose path an outage kills for some of its users.
type hit struct {
	outage   *Outage
	resolver int
	weight   float64 // of the users that it kills the path for
	most     bool    // they are most of the resolver's users: one answer has to do for all
	evidence int     // first pane with a run that met the outage; -1 = none
	stays    []stay  // by rule
}

// stay is what became, under a rule, of a resolver that is on a path when it dies.
type stay struct {
	here        bool // it was on that path, or there is no other
	path        uint8
	moved, back int            // panes whose tick moved it off, and back; -1 = none
	level       decision.Level // of the policy's decision then
}

// outages follows what outages do to resolvers, and what rules make of it.
type outages struct {
	layout *Layout
	rules  []*rule                           // the policy is the first
	level  func(resolver int) decision.Level // of the policy
	users  []float64                         // by resolver
	behind map[int][]int                     // by population: the resolvers that serve it
	active []*hit                            // of outages that have begun, until nothing more can come of them
	byRun  map[[2]int][]*hit
	done   []*hit
}

func newOutages(l *Layout, rules []*rule, level func(resolver int) decision.Level) *outages {
	o := &outages{
		layout: l, rules: rules, level: level, users: make([]float64, len(l.Resolvers)),
		behind: make(map[int][]int), byRun: make(map[[2]int][]*hit),
	}
	for i := range l.Resolvers {
		for _, s := range l.Resolvers[i].Shares {
			o.users[i] += s.Weight
			o.behind[s.Population] = append(o.behind[s.Population], i)
		}
	}
	return o
}

// begin notes, before the runs of a pane, which rules have whom on a path that dies in it.
func (o *outages) begin(pane int) {
	for i := range o.layout.Outages {
		if out := &o.layout.Outages[i]; out.From == pane {
			o.strike(out)
		}
	}
}

func (o *outages) strike(out *Outage) {
	struck := make(map[int]*hit)
	for _, p := range out.Populations {
		for _, resolver := range o.behind[p] {
			h := struck[resolver]
			if h == nil {
				h = &hit{outage: out, resolver: resolver, evidence: -1}
				struck[resolver] = h
				o.active = append(o.active, h)
				for _, rule := range o.rules {
					path := rule.paths[resolver]
					h.stays = append(h.stays, stay{here: out.Path == LastMile || int(path) == out.Path, path: path, moved: -1, back: -1})
				}
			}
			for _, s := range o.layout.Resolvers[resolver].Shares {
				if s.Population == p {
					h.weight += s.Weight
				}
			}
			h.most = 2*h.weight >= o.users[resolver]
			at := [2]int{resolver, p}
			o.byRun[at] = append(o.byRun[at], h)
		}
	}
}

// add looks at a run for what it met of an outage: half of its requests over the dead path failed, or more.
func (o *outages) add(pane int, r *Run) {
	if len(o.byRun) == 0 {
		return
	}
	population := o.layout.Resolvers[r.Resolver].Shares[r.Share].Population
	for _, h := range o.byRun[[2]int{r.Resolver, population}] {
		if h.evidence < 0 && h.outage.Path != LastMile && h.outage.Path < len(r.Pulses) && fails(r.Pulses[h.outage.Path]) {
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
	o.active = slices.DeleteFunc(o.active, func(h *hit) bool {
		if pane+1 == h.outage.To {
			for _, p := range h.outage.Populations {
				at := [2]int{h.resolver, p}
				o.byRun[at] = slices.DeleteFunc(o.byRun[at], func(other *hit) bool { return other == h })
				if len(o.byRun[at]) == 0 {
					delete(o.byRun, at)
				}
			}
		}
		open := pane+1 < h.outage.To
		for r, rule := range o.rules {
			open = h.stays[r].look(pane, h.outage.To, rule.paths[h.resolver]) || open
			if r == 0 && h.stays[r].moved == pane {
				h.stays[r].level = o.level(h.resolver)
			}
		}
		if !open || pane >= h.outage.To+backHorizon {
			o.done = append(o.done, h)
			return true
		}
		return false
	})
}

// look notes where the resolver is after the tick of a pane. It tells whether anything may still come of the stay.
func (s *stay) look(pane, to int, path uint8) bool {
	away := path != s.path
	switch {
	case !s.here:
		return false
	case away && s.moved < 0 && pane < to:
		s.moved = pane
	case !away && s.moved >= 0 && s.back < 0 && pane >= to:
		s.back = pane
	}
	return s.moved >= 0 && s.back < 0
}
