package decide

import (
	"net/netip"
	"slices"

	"detour/schemas/control"

	"detour/schemas/decision"
	"detour/schemas/window"
)

// outages is what is known of how paths answer: of each resolver pane by pane, and of groups of resolvers in the newest
// panes. Latency evidence is for hours, this is for minutes.
//
//  1. It is a function of the panes of the reachability window and, for the base rate, of the world's sums in those of
//     baselinePanes, but of no pane before the first one of the latency evidence: what a machine reads again.
//  2. A decision that depends on it can change without new evidence of the resolver only if some of its runs failed, or
//     if it waits for a path to work again: both are decided for at every tick.
type outages struct {
	length int64 // of a pane, ms
	paths  int
	groups map[groupKey]*group
	world  *group
	panes  []heard // of the reachability window, oldest first
	reach  int64   // panes before this one are not of it
	calm   []calm  // likewise
	tick   int64   // counts, so that what was worked out in an earlier one is not taken for this one's

	policy control.Reachability
	model  model
}

// heard is who was heard of in a pane.
type heard struct {
	start     int64
	resolvers []*resolver
	suspects  []*resolver // of these, with a suspect attempt
}

// attempt is what the clients of a resolver met on one path in one pane, all together.
type attempt struct {
	pane                            int64
	of                              *group // of most of the clients
	runs, tries, failures, gateways uint32
	path                            uint8
}

// failed is how many of the attempt's runs failed: the share of its requests that did, in whole runs. A run's pulses share
// their device and its network, so that a run is what is drawn at random, not a request. A run of which some pulses
// failed is a failed one only together with others.
func (a *attempt) failed() uint32 {
	return uint32(uint64(a.runs) * uint64(a.failures) / uint64(max(1, a.tries)))
}

// bad reports whether at least half of the runs failed.
func (a *attempt) bad() bool { k := a.failed(); return k > 0 && 2*k >= a.runs }

// suspect reports whether at least half of the requests failed, which is less: of the only run, two of three.
func (a *attempt) suspect() bool { return a.failures > 0 && 2*uint64(a.failures) >= uint64(a.tries) }

func newOutages(length int64, paths int) *outages {
	o := &outages{length: length, paths: paths, reach: window.NoPane, groups: make(map[groupKey]*group)}
	o.world = o.join(groupKey{level: decision.World}, nil)
	return o
}

// begin makes the pane at start the newest one.
func (o *outages) begin(start int64) {
	o.panes = append(o.panes, heard{start: start})
	o.calm = append(o.calm, calm{start: start, paths: make([]tallied, o.paths)})
}

// newest returns the start of the newest pane.
func (o *outages) newest() int64 { return o.calm[len(o.calm)-1].start }

// hear takes one resolver's windows of the newest pane, in their order.
func (o *outages) hear(r *resolver, windows []window.Window) {
	pane := &o.panes[len(o.panes)-1]
	first, home, most := len(r.lately), window.Cell{}, uint32(0)
	for rest := windows; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Cell() == rest[0].Cell() {
			n++
		}
		if runs := r.attempts(pane.start, first, rest[:n]); runs > most {
			home, most = rest[0].Cell(), runs
		}
		rest = rest[n:]
	}
	of := o.groupOf(r, home)
	o.settle(r, of)
	suspect := false
	for i := range r.lately[first:] {
		a := &r.lately[first+i]
		a.of = of
		of.uses++
		suspect = suspect || a.suspect()
	}
	pane.resolvers = append(pane.resolvers, r)
	if suspect {
		pane.suspects = append(pane.suspects, r)
	}
}

// attempts adds the windows of one cell to what r has from the index first on, and returns the cell's runs. How many there
// were is not known when a run's pulses are of several classes: at least as many as in any window, and on a path at most
// the sum over its classes.
func (r *resolver) attempts(pane int64, first int, cell []window.Window) (most uint32) {
	for i := range cell {
		most = max(most, runsOf(&cell[i]))
	}
	for rest := cell; len(rest) > 0; {
		a := r.attempt(pane, first, rest[0].Path)
		runs, n := uint32(0), 0
		for n < len(rest) && rest[n].Path == a.path {
			w := &rest[n]
			a.tries, a.failures, a.gateways = a.tries+w.Samples(), a.failures+w.Failures(), a.gateways+w.GatewayErrors
			runs += runsOf(w)
			n++
		}
		a.runs += min(runs, most)
		rest = rest[n:]
	}
	return most
}

// attempt returns the one of a path, from the index first on.
func (r *resolver) attempt(pane int64, first int, path uint8) *attempt {
	for i := first; i < len(r.lately); i++ {
		if r.lately[i].path == path {
			return &r.lately[i]
		}
	}
	r.lately = append(r.lately, attempt{pane: pane, path: path})
	return &r.lately[len(r.lately)-1]
}

// runsOf returns a window's runs. Those of one device share its luck: a client counts for two at most.
func runsOf(w *window.Window) uint32 {
	if w.Clients == 0 {
		return w.Runs
	}
	return min(w.Runs, 2*w.Clients)
}

// finish ends the newest pane, once all partitions have said what they know of it.
func (o *outages) finish() {
	n := len(o.panes)
	o.count(&o.panes[n-1], 1)
	if n > groupPanes {
		o.count(&o.panes[n-1-groupPanes], -1)
	}
	last := &o.calm[len(o.calm)-1]
	for _, r := range o.panes[n-1].resolvers {
		r.each(last.start, func(a *attempt) { last.paths[a.path].add(a, 1) })
	}
	if last.start < o.reach {
		o.leave(n)
	}
}

// count adds a pane to the groups, or takes it away again.
func (o *outages) count(pane *heard, sign int32) {
	for _, r := range pane.resolvers {
		r.each(pane.start, func(a *attempt) {
			for g := a.of; g != nil; g = g.parent {
				g.paths[a.path].add(a, sign)
			}
		})
	}
}

// each calls do with what r met in a pane.
func (r *resolver) each(pane int64, do func(*attempt)) {
	for i := len(r.lately) - 1; i >= 0 && r.lately[i].pane >= pane; i-- {
		if r.lately[i].pane == pane {
			do(&r.lately[i])
		}
	}
}

// slide makes the reachability window as long as the policy asks for, and returns the suspects of the panes that leave it.
// It does not grow into panes that have left. Of the base rate nothing before oldest is kept.
func (o *outages) slide(length int, oldest int64) (left []*resolver) {
	left = o.leave(len(o.panes) - length)
	from := max(oldest, o.newest()-(baselinePanes-1)*o.length)
	for o.calm[0].start < from {
		o.calm = o.calm[1:]
	}
	return left
}

// leave drops the oldest panes.
func (o *outages) leave(panes int) (left []*resolver) {
	if panes <= 0 {
		return nil
	}
	for i := range panes {
		if len(o.panes)-i <= groupPanes {
			o.count(&o.panes[i], -1)
		}
	}
	before := o.panes[panes-1].start
	for i := range panes {
		left = append(left, o.panes[i].suspects...)
		for _, r := range o.panes[i].resolvers {
			o.forget(r, before)
		}
	}
	o.panes = slices.Delete(o.panes, 0, panes)
	return left
}

// forget drops what r met up to a pane.
func (o *outages) forget(r *resolver, last int64) {
	n := 0
	for n < len(r.lately) && r.lately[n].pane <= last {
		o.quit(r.lately[n].of)
		n++
	}
	r.lately = r.lately[n:]
	if len(r.lately) == 0 {
		r.lately = nil
	}
}

// tallied is in how many panes resolvers were heard of, and in how many of these a path was bad.
type tallied struct{ seen, bad int32 }

func (s *tallied) add(a *attempt, sign int32) {
	s.seen += sign
	if a.bad() {
		s.bad += sign
	}
}

// prefix returns the network of an address that is taken for one neighbourhood: a /24, or a /48 of IPv6.
func prefix(a netip.Addr) uint64 {
	if a = a.Unmap(); a.Is4() {
		b := a.As4()
		return 1<<63 | uint64(b[0])<<16 | uint64(b[1])<<8 | uint64(b[2])
	}
	b := a.As16()
	var n uint64
	for _, octet := range b[:6] {
		n = n<<8 | uint64(octet)
	}
	return n
}

// since returns the first of the newest panes, so many.
func (o *outages) since(panes int) int64 { return o.newest() - int64(panes-1)*o.length }

// from returns what r met from a pane on.
func (r *resolver) from(pane int64) []attempt {
	i := len(r.lately)
	for i > 0 && r.lately[i-1].pane >= pane {
		i--
	}
	return r.lately[i:]
}
