package decide

import (
	"net/netip"
	"slices"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// evidence is what was measured, by resolver, cell, path and class. What paths cost is summed by epoch, and weighs less
// from epoch to epoch until it is forgotten; how they answer is kept by pane, see outages.
// Memory follows what was seen, not what there is: see series.
//
//  1. It is a function of the windows in the panes from oldest on, as they are dealt out to epochs, and of the newest
//     pane: all that a machine has to read again to have the same.
//  2. Time alone changes what it says at the first pane of an epoch, of all resolvers at once, and of those whose failures
//     leave the reachability window.
type evidence struct {
	usual     uint8 // the default path
	length    int64 // of a pane, ms
	width     int   // panes in an epoch: epochPanes
	resolvers map[netip.Addr]*resolver
	epochs    []*epoch    // oldest first, none missing between
	missing   int64       // newest pane that is known to miss something; window.NoPane = none
	order     []*resolver // by address, as of the last tick
	newcomers []*resolver // since then
	left      int         // of order, since then
	outages   *outages

	ageing ageing
	policy [2]int // window and half-life that ageing was made for
}

// epoch is what is known of the panes of an epoch as a whole.
type epoch struct {
	number int64
	start  int64           // of its first pane that was taken
	resume []int64         // by partition: offset from which that pane can be read whole
	within byClass[within] // of all candidate paths
}

// pane is one pane of all partitions.
type pane struct{ start, windows, samples int64 }

// begin makes the pane at start the newest one. The offsets are those from which it can be read whole, by partition.
func (e *evidence) begin(start int64, resume []int64) *pane {
	if number := start / (int64(e.width) * e.length); len(e.epochs) == 0 || e.epochs[len(e.epochs)-1].number != number {
		e.epochs = append(e.epochs, &epoch{number: number, start: start, resume: resume})
	}
	e.outages.begin(start)
	return &pane{start: start}
}

// add takes one partition's windows into the newest pane.
func (e *evidence) add(p *pane, w *window.Pane) {
	if w.Seal.Totals.Incomplete {
		e.missing = max(e.missing, p.start)
	}
	p.windows += int64(len(w.Windows))
	now := e.epochs[len(e.epochs)-1]
	for rest := w.Windows; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Resolver == rest[0].Resolver { // windows are sorted by resolver
			n++
		}
		e.hear(now, p, rest[:n])
		rest = rest[n:]
	}
}

// hear takes the windows of one resolver into an epoch and its newest pane.
func (e *evidence) hear(now *epoch, p *pane, windows []window.Window) {
	r := e.resolver(windows[0].Resolver)
	if r.series == nil {
		r.series = make([]series, 0, len(windows))
	}
	r.heard = p.start
	for i := range windows {
		w := &windows[i]
		usual := w.Path == e.usual
		s := r.at(keyOf(w.Cell(), w.Path, w.Class), uint16(now.number))
		s.add(uint16(now.number), w, usual)
		if class, ok := classOf(w.Class); ok && !usual {
			now.within[class].add(w)
		}
		p.samples += int64(w.Samples())
	}
	e.outages.hear(r, windows)
}

// age brings the evidence to where the newest pane is: panes and epochs leave that are older than the policy asks for. Both
// lengths may have grown since the last time, and grow into what is still there. It reports whether weights have changed.
func (e *evidence) age(p *control.Policy) (aged bool) {
	now, policy := e.epochs[len(e.epochs)-1].number, [2]int{p.Window, p.HalfLife}
	if aged = now != e.ageing.now || policy != e.policy; !aged {
		return false
	}
	e.ageing, e.policy = ageing{now, weights(p.Window, p.HalfLife, e.width)}, policy
	for e.ageing.over(uint16(e.epochs[0].number)) {
		e.epochs[0], e.epochs = nil, e.epochs[1:]
	}
	for _, r := range e.resolvers {
		r.expire(&e.ageing)
	}
	return true
}

// leave takes what is too old out of the reachability window, and of the base rate.
func (e *evidence) leave(p *control.Policy) {
	e.outages.slide(p.Reachability.Window, e.oldest().start)
	e.outages.prepare(&p.Reachability)
}

func (e *evidence) resolver(a netip.Addr) *resolver {
	r := e.resolvers[a]
	if r == nil {
		r = &resolver{address: a, path: e.usual}
		e.enter(r)
	}
	return r
}

// enter takes up a resolver that was not known.
func (e *evidence) enter(r *resolver) {
	e.resolvers[r.address] = r
	e.newcomers = append(e.newcomers, r)
}

// inOrder returns all resolvers in order of address. The list is good until the next pane.
func (e *evidence) inOrder() []*resolver {
	if len(e.newcomers) == 0 && e.left == 0 {
		return e.order
	}
	slices.SortFunc(e.newcomers, inAddressOrder)
	merged := make([]*resolver, 0, len(e.resolvers))
	old := e.order
	for _, r := range e.newcomers {
		n, _ := slices.BinarySearchFunc(old, r, inAddressOrder)
		merged = append(append(merged, old[:n]...), r)
		old = old[n:]
	}
	merged = append(merged, old...)
	e.order = slices.DeleteFunc(merged, func(r *resolver) bool { return r.gone })
	e.newcomers, e.left = nil, 0
	return e.order
}

// experienced returns those of the resolvers that have paired ratios of whole epochs.
func (e *evidence) experienced() (list []*resolver) {
	for _, r := range e.inOrder() {
		if r.experienced(e.usual, &e.ageing) {
			list = append(list, r)
		}
	}
	return list
}

// settle makes d the state of r.
func (e *evidence) settle(r *resolver, d *decision.Decision) {
	if d.Gone == 1 {
		e.outages.settle(r, nil)
		delete(e.resolvers, r.address)
		r.gone = true
		e.left++
		return
	}
	r.path, r.reason, r.since, r.penalty, r.exception, r.known = d.Path, d.Reason, d.Since, d.Penalty, d.Exception, true
	r.about, r.failovers = d.Candidate, d.Failovers
}

// within returns how far pulses of one run differ, over all resolvers and candidate paths in whole epochs, weighted by age.
func (e *evidence) within() (sum byClass[within]) {
	for _, epoch := range e.epochs {
		if epoch.number == e.ageing.now {
			continue
		}
		weight := e.ageing.of(uint16(epoch.number))
		for class, v := range epoch.within {
			sum[class].squares += weight * v.squares
			sum[class].freedom += weight * v.freedom
		}
	}
	return sum
}

// incomplete reports whether a pane of the evidence is known to miss something.
func (e *evidence) incomplete() bool { return e.missing >= e.oldest().start }

// oldest returns the first epoch of the evidence.
func (e *evidence) oldest() *epoch { return e.epochs[0] }
