package decide

import (
	"net/netip"
	"slices"

	"detour/schemas/decision"
	"detour/schemas/window"
)

// evidence is what the panes of the policy's window say, summed by resolver, cell, path and class. Each pane is kept in
// compact form, so that it can be taken away again. A resolver with one cell, two paths and two classes costs about 500
// bytes, and each of its windows 24 bytes more and 8 for each bin in it: memory follows what was seen, not what there is.
type evidence struct {
	usual     uint8 // the default path
	resolvers map[netip.Addr]*resolver
	panes     []*pane // oldest first
	reached   int     // panes before this index are out of the reachability window
	missing   int64   // newest pane that is known to miss something; window.NoPane = none
	dirty     []*resolver
}

// pane is one pane of all partitions.
type pane struct {
	start   int64
	rows    []row
	bars    []bar // of all rows, one after the other
	samples int64
	resume  []int64 // by partition: offset from which it can be read whole
}

// row is what one window added to its series.
type row struct {
	series                *series
	tries, failures, runs uint32
	bars                  uint32 // how many of the pane's bars are its own
}

// begin returns an empty pane to add to.
func (e *evidence) begin(start int64) *pane { return &pane{start: start} }

// add takes one partition's windows into p.
func (e *evidence) add(p *pane, w *window.Pane) {
	if w.Seal.Totals.Incomplete {
		e.missing = max(e.missing, p.start)
	}
	p.rows = slices.Grow(p.rows, len(w.Windows))
	var r *resolver
	for i := range w.Windows {
		win := &w.Windows[i]
		if r == nil || r.address != win.Resolver { // windows are sorted by resolver
			r = e.resolver(win.Resolver)
		}
		before := len(p.bars)
		if win.Path == e.usual {
			for j, bin := range win.Latency.Bins {
				p.count(before, bin/coarse, win.Latency.Counts[j])
			}
		} else {
			for j, bin := range win.Ratio.Bins {
				p.count(before, bin, win.Ratio.Counts[j])
			}
		}
		p.samples += int64(win.Samples())
		p.rows = append(p.rows, row{
			series: r.at(win), bars: uint32(len(p.bars) - before),
			tries: win.Samples(), failures: win.Failures(), runs: win.PairRuns,
		})
		p.rows[len(p.rows)-1].series.rows++
	}
}

// count adds to the bar of the row that began at bar from.
func (p *pane) count(from int, bin int16, n uint32) {
	if last := len(p.bars) - 1; last >= from && p.bars[last].bin == bin {
		p.bars[last].n += n
		return
	}
	p.bars = append(p.bars, bar{bin, n})
}

// finish makes p the newest pane of the window.
func (e *evidence) finish(p *pane) {
	e.panes = append(e.panes, p)
	e.reach(p, 1)
	e.sum(p, 1)
}

// slide drops panes until at most length are left, of which the newest reach count for reachability. Both may have grown
// since the last time.
func (e *evidence) slide(length, reach int) {
	for over := len(e.panes) - length; over > 0; over-- {
		p := e.panes[0]
		if e.reached == 0 {
			e.reach(p, ^uint32(0))
		} else {
			e.reached--
		}
		e.sum(p, ^uint32(0))
		e.leave(p)
		e.panes[0], e.panes = nil, e.panes[1:]
	}
	from := max(0, len(e.panes)-reach)
	for ; e.reached < from; e.reached++ {
		e.reach(e.panes[e.reached], ^uint32(0))
	}
	for ; e.reached > from; e.reached-- {
		e.reach(e.panes[e.reached-1], 1)
	}
}

// reach adds p's tries sign times; -1 is ^0, since counts are modular.
func (e *evidence) reach(p *pane, sign uint32) {
	for i := range p.rows {
		r := &p.rows[i]
		r.series.tries += sign * r.tries
		r.series.failures += sign * r.failures
		e.touch(r.series.of)
	}
}

// sum adds p's latencies and ratios sign times.
func (e *evidence) sum(p *pane, sign uint32) {
	rest := p.bars
	for i := range p.rows {
		r := &p.rows[i]
		s := r.series
		s.runs += sign * r.runs
		if s.shape == nil {
			s.shape = make(bars, 0, r.bars)
		}
		for _, b := range rest[:r.bars] {
			s.shape = s.shape.add(b.bin, sign*b.n)
		}
		rest = rest[r.bars:]
		e.touch(r.series.of)
	}
}

// leave forgets the series that only p spoke of.
func (e *evidence) leave(p *pane) {
	for i := range p.rows {
		r := &p.rows[i]
		if r.series.rows--; r.series.rows == 0 {
			r.series.of.drop(r.series)
		}
	}
}

func (e *evidence) resolver(a netip.Addr) *resolver {
	r := e.resolvers[a]
	if r == nil {
		r = &resolver{address: a, path: e.usual}
		e.resolvers[a] = r
	}
	return r
}

func (e *evidence) touch(r *resolver) {
	if !r.dirty {
		r.dirty = true
		e.dirty = append(e.dirty, r)
	}
}

// touched returns, sorted, the resolvers to decide for, and begins a new list of them.
func (e *evidence) touched(everybody bool) []*resolver {
	list := e.dirty
	e.dirty = nil
	if everybody {
		list = make([]*resolver, 0, len(e.resolvers))
		for _, r := range e.resolvers {
			list = append(list, r)
		}
	}
	for _, r := range list {
		r.dirty = false
	}
	slices.SortFunc(list, func(a, b *resolver) int { return a.address.Compare(b.address) })
	return list
}

// settle makes d the state of r. Two things can change a decision without new evidence, so that the next tick looks again:
// a hold or damping that ends, and a move, since from its new path a resolver may have another rule apply.
func (e *evidence) settle(r *resolver, d *decision.Decision) {
	if d.Gone == 1 {
		delete(e.resolvers, r.address)
		return
	}
	r.path, r.reason, r.since, r.penalty, r.known = d.Path, d.Reason, d.Since, d.Penalty, true
	if d.Reason == decision.Held || d.Reason == decision.Damped || d.Path != d.Previous {
		e.touch(r)
	}
}

// incomplete reports whether a pane in the window is known to miss something.
func (e *evidence) incomplete() bool { return e.missing >= e.oldest().start }

// oldest returns the first pane of the window.
func (e *evidence) oldest() *pane { return e.panes[0] }

// byCell calls do with the series of each cell in turn.
func (r *resolver) byCell(do func([]*series)) {
	for from := 0; from < len(r.series); {
		to := from + 1
		for to < len(r.series) && r.series[to].cell == r.series[from].cell {
			to++
		}
		do(r.series[from:to])
		from = to
	}
}
