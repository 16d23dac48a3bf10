package backtest

import (
	"net/netip"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// The two deciders: as it was recorded, and under the new policy.
const (
	recorded = iota
	other
	deciders // how many
)

// place is where a decider sends a resolver, or those of a prefix that have no state, with what it expects of that.
type place struct {
	known  bool
	path   uint8
	reason decision.Reason
	gain   int32  // µs a request, 0 on the default path
	harm   uint32 // ppm of clients, 0 on the default path
}

// group is a prefix.
type group struct {
	places  [deciders]place
	members []*resolver
}

// resolver is what is compared of one.
type resolver struct {
	group *group
	own   [deciders]place
	was   uint8            // its path before the tick that is being applied
	moves [deciders]uint32 // in the panes that count
	runs  uint64           // in the panes that count
}

// at returns where a decider sends the resolver: its own state says so, or else its prefix's; usual where there is none.
func (r *resolver) at(decider int, usual *place) *place {
	switch {
	case r.own[decider].known:
		return &r.own[decider]
	case r.group.places[decider].known:
		return &r.group.places[decider]
	}
	return usual
}

// comparison follows both deciders. Users are weighed by runs: what a run saw in a pane is where the ticks before that
// pane had sent it.
type comparison struct {
	genesis       *control.Genesis
	usual         place // of those that nothing is known of
	before, after *side

	from      int64 // first pane that counts, ms
	first     int64 // the first one that did
	last      int64
	begun     int64 // the first pane of all
	panes     int64
	resolvers map[netip.Addr]*resolver
	groups    map[netip.Prefix]*group
	countries map[sample.Country]*tally
	networks  map[uint32]*tally
	all       tally
}

func newComparison(g *control.Genesis, before, after *side) *comparison {
	return &comparison{
		genesis: g, usual: place{path: g.DefaultPath(), reason: decision.NoEvidence}, before: before, after: after,
		resolvers: make(map[netip.Addr]*resolver), groups: make(map[netip.Prefix]*group),
		countries: make(map[sample.Country]*tally), networks: make(map[uint32]*tally),
	}
}

// take weighs a pane by where its users were sent, and then lets its ticks send them elsewhere.
func (c *comparison) take(before, after *decision.Whole, windows []window.Window, from int64) {
	if c.begun == 0 {
		c.begun = before.Pane
	}
	counts := before.Pane >= from
	if counts {
		if c.panes == 0 {
			c.first = before.Pane
		}
		c.panes, c.last = c.panes+1, before.Pane
		c.weigh(windows)
	}
	c.apply(before, recorded, counts)
	c.apply(after, other, counts)
}

// weigh counts the runs of a pane. Those of a cell are the most that one of its windows has: a run has connections of
// both classes, over every path.
func (c *comparison) weigh(windows []window.Window) {
	for from := 0; from < len(windows); {
		to := from + 1
		for to < len(windows) && windows[to].Resolver == windows[from].Resolver && windows[to].Cell() == windows[from].Cell() {
			to++
		}
		c.cell(windows[from:to])
		from = to
	}
}

func (c *comparison) cell(windows []window.Window) {
	runs := uint32(0)
	for i := range windows {
		runs = max(runs, windows[i].Runs)
	}
	r := c.resolver(windows[0].Resolver)
	r.runs += uint64(runs)
	before, after := r.at(recorded, &c.usual), r.at(other, &c.usual)
	for _, t := range [...]*tally{&c.all, of(c.countries, windows[0].Country), of(c.networks, windows[0].ASN)} {
		t.add(before, after, uint64(runs), c.usual.path)
		for i := range windows {
			t.measure(before, after, &windows[i], c.usual.path)
		}
	}
}

func of[K comparable, V any](all map[K]*V, key K) *V {
	v := all[key]
	if v == nil {
		v = new(V)
		all[key] = v
	}
	return v
}

func (c *comparison) resolver(a netip.Addr) *resolver {
	r := c.resolvers[a]
	if r == nil {
		r = &resolver{group: of(c.groups, schemas.PrefixOf(a))}
		r.group.members = append(r.group.members, r)
		c.resolvers[a] = r
	}
	return r
}

// apply takes a decider's tick: who is sent another way by all of its rows together has moved once.
func (c *comparison) apply(w *decision.Whole, decider int, counts bool) {
	var touched []*resolver
	for i := range w.Decisions {
		d := &w.Decisions[i]
		if d.Bits != 0 {
			touched = append(touched, of(c.groups, d.Subject()).members...)
		} else {
			touched = append(touched, c.resolver(d.Resolver))
		}
	}
	for _, r := range touched {
		r.was = r.at(decider, &c.usual).path
	}
	for i := range w.Decisions {
		d := &w.Decisions[i]
		if d.Bits != 0 {
			c.groups[d.Subject()].places[decider].set(d, c.usual.path)
		} else {
			c.resolvers[d.Resolver].own[decider].set(d, c.usual.path)
		}
	}
	for _, r := range touched {
		if now := r.at(decider, &c.usual).path; now != r.was {
			r.was = now
			if counts {
				r.moves[decider]++
			}
		}
	}
}

// set makes the place what a row says.
func (p *place) set(d *decision.Decision, usual uint8) {
	switch {
	case d.Path == usual:
		p.gain, p.harm = 0, 0
	case d.Path == d.Candidate:
		p.gain, p.harm = d.Gain, d.Harm
	case d.Path != p.path: // reachability sent it where latency had no say
		p.gain, p.harm = 0, 0
	}
	p.known, p.path, p.reason = d.Gone == 0, d.Path, d.Reason
}
