package backtest

import (
	"net/netip"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// place is where a decider sends a resolver, with what it expects of that.
type place struct {
	path   uint8
	reason decision.Reason
	gain   int32  // µs a request, 0 on the default path
	harm   uint32 // ppm of clients, 0 on the default path
	moves  uint32 // in the panes that count
}

// resolver is what is compared of one.
type resolver struct {
	before, after place
	runs          uint64 // in the panes that count
}

// comparison follows both deciders. Users are weighed by runs: what a run saw in a pane is where the ticks before that
// pane had sent it.
type comparison struct {
	genesis       *control.Genesis
	usual         uint8
	before, after *side

	from      int64 // first pane that counts, ms
	first     int64 // the first one that did
	last      int64
	begun     int64 // the first pane of all
	panes     int64
	resolvers map[netip.Addr]*resolver
	countries map[sample.Country]*tally
	networks  map[uint32]*tally
	all       tally
}

func newComparison(g *control.Genesis, before, after *side) *comparison {
	return &comparison{
		genesis: g, usual: g.DefaultPath(), before: before, after: after, resolvers: make(map[netip.Addr]*resolver),
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
	c.move(before, counts, func(r *resolver) *place { return &r.before })
	c.move(after, counts, func(r *resolver) *place { return &r.after })
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
	for _, t := range [...]*tally{&c.all, of(c.countries, windows[0].Country), of(c.networks, windows[0].ASN)} {
		t.add(r, uint64(runs), c.usual)
		for i := range windows {
			t.measure(r, &windows[i], c.usual)
		}
	}
}

func of[K comparable](all map[K]*tally, key K) *tally {
	t := all[key]
	if t == nil {
		t = new(tally)
		all[key] = t
	}
	return t
}

func (c *comparison) resolver(a netip.Addr) *resolver {
	r := c.resolvers[a]
	if r == nil {
		usual := place{path: c.usual, reason: decision.NoEvidence}
		r = &resolver{before: usual, after: usual}
		c.resolvers[a] = r
	}
	return r
}

// move applies a tick's rows to one side.
func (c *comparison) move(w *decision.Whole, counts bool, side func(*resolver) *place) {
	for i := range w.Decisions {
		d := &w.Decisions[i]
		p := side(c.resolver(d.Resolver))
		if counts && d.Path != p.path {
			p.moves++
		}
		switch {
		case d.Path == c.usual:
			p.gain, p.harm = 0, 0
		case d.Path == d.Candidate:
			p.gain, p.harm = d.Gain, d.Harm
		case d.Path != p.path: // reachability sent it where latency had no say
			p.gain, p.harm = 0, 0
		}
		p.path, p.reason = d.Path, d.Reason
	}
}
