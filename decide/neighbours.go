package decide

import (
	"net/netip"
	"slices"

	"detour/decide/posterior"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// network is the populations of one network in one country, behind whichever resolvers: those with evidence on the
// candidate path at hand, by prefix, and within a prefix by resolver.
type network struct {
	cell     window.Cell
	heard    int64 // the newest pane with a run of it
	cells    []*posterior.Likelihood
	views    []*view
	prefixes []netPrefix
	pooled   []posterior.Prefix
	runs     uint64
}

// netPrefix is the cells of a network in one prefix: from one index on.
type netPrefix struct {
	block, from int
	runs        uint64
}

// block is the resolvers of one prefix, neighbours in order of address.
type block struct {
	prefix    netip.Prefix
	resolvers []*resolver
	network   *network // of all their populations; nil if they are of several, or nothing was measured
	mixed     bool     // they are of several
	seen      int      // resolvers with evidence
	runs      uint64
	micros    float64 // mean of the populations' time on the default path
	next      outlook // for a resolver that was not seen
}

// outlook is what is likely for a population.
type outlook struct{ harm, saved, low, high float64 }

// neighbours lets all populations speak for one another, once a tick.
type neighbours struct {
	networks map[window.Cell]*network
	order    []*network // by cell
	blocks   [][]block  // by candidate
	pooler   posterior.Pooler
}

func newNeighbours(candidates int) *neighbours {
	return &neighbours{networks: make(map[window.Cell]*network), blocks: make([][]block, candidates)}
}

// forget drops the networks that nobody may be in any more: all are read again.
func (n *neighbours) forget() {
	clear(n.networks)
	n.order = n.order[:0]
}

// consult lets everybody speak for everybody, path by path. Resolvers come in order of address.
func (n *neighbours) consult(l *learnt, harmful *harmful, resolvers []*resolver) {
	for i := range n.blocks {
		n.gather(resolvers, i)
		n.pool(i, &l.paths[i], harmful)
		for b := range n.blocks[i] {
			block := &n.blocks[i][b]
			for _, r := range block.resolvers {
				r.unseen[i] = l.strangers.unseen(r, block, i)
			}
		}
	}
}

// at returns the network of a cell.
func (n *neighbours) at(cell window.Cell) *network {
	w := n.networks[cell]
	if w == nil {
		w = &network{cell: cell}
		n.networks[cell] = w
		i, _ := slices.BinarySearchFunc(n.order, cell, func(w *network, c window.Cell) int { return window.CompareCells(w.cell, c) })
		n.order = slices.Insert(n.order, i, w)
	}
	return w
}

// prefixOf returns the block of addresses whose resolvers are taken for neighbours: a /24, or a /48 of IPv6.
func prefixOf(a netip.Addr) netip.Prefix {
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, _ := a.Prefix(bits) // cannot fail: an address has so many bits
	return p
}

// gather sorts the populations that have evidence on a candidate into networks. Resolvers come in order of address.
func (n *neighbours) gather(resolvers []*resolver, candidate int) {
	for _, w := range n.order {
		w.cells, w.views, w.prefixes, w.runs = w.cells[:0], w.views[:0], w.prefixes[:0], 0
	}
	blocks := n.blocks[candidate][:0]
	for from := 0; from < len(resolvers); {
		b := block{prefix: prefixOf(resolvers[from].address)}
		to := from
		for to < len(resolvers) && b.prefix.Contains(resolvers[to].address) {
			n.join(&b, len(blocks), resolvers[to], candidate)
			to++
		}
		b.resolvers = resolvers[from:to]
		if b.runs > 0 {
			b.micros /= float64(b.runs)
		}
		blocks = append(blocks, b)
		from = to
	}
	for _, w := range n.order {
		w.close()
	}
	n.blocks[candidate] = blocks
}

// join adds a resolver's populations to their networks.
func (n *neighbours) join(b *block, number int, r *resolver, candidate int) {
	var runs uint64
	for i := range r.populations {
		p := &r.populations[i]
		v := &p.views[candidate]
		if v.runs == 0 {
			continue
		}
		w := p.network
		w.add(number, v)
		runs += v.runs
		b.micros += float64(p.micros * float64(v.runs))
		switch {
		case b.network == nil:
			b.network = w
		case b.network != w:
			b.mixed = true
		}
	}
	if runs > 0 {
		b.seen++
		b.runs += runs
	}
}

func (w *network) add(block int, v *view) {
	if last := len(w.prefixes) - 1; last < 0 || w.prefixes[last].block != block {
		w.prefixes = append(w.prefixes, netPrefix{block: block, from: len(w.cells)})
	}
	w.cells, w.views = append(w.cells, &v.likelihood), append(w.views, v)
	w.prefixes[len(w.prefixes)-1].runs += v.runs
	w.runs += v.runs
}

// close makes what was added ready to be pooled.
func (w *network) close() {
	w.pooled = w.pooled[:0]
	for i, p := range w.prefixes {
		to := len(w.cells)
		if i+1 < len(w.prefixes) {
			to = w.prefixes[i+1].from
		}
		w.pooled = append(w.pooled, posterior.Prefix{Cells: w.cells[p.from:to], Runs: float64(p.runs) / whole})
	}
}

// pool lets the networks' populations speak for one another.
func (n *neighbours) pool(candidate int, l *learntPath, harmful *harmful) {
	n.pooler.Kin = l.kin
	countries, world := make(map[sample.Country]uint64), uint64(0)
	for _, w := range n.order {
		countries[w.cell.Country] += w.runs
		world += w.runs
	}
	for _, w := range n.order {
		if len(w.cells) == 0 {
			continue
		}
		base := l.base(w.cell)
		n.pooler.Pool(&base, w.pooled, &listener{network: w, country: countries[w.cell.Country], world: world, blocks: n.blocks[candidate], harmful: harmful})
	}
}

// listener writes down what is believed of a network's populations.
type listener struct {
	network *network
	country uint64 // runs
	world   uint64 // runs
	blocks  []block
	harmful *harmful
}

// Cell implements posterior.Visitor.
func (l *listener) Cell(prefix, cell int, prior, believed *posterior.Belief) {
	p := &l.network.prefixes[prefix]
	v := l.network.views[p.from+cell]
	v.outlook = l.harmful.outlook(believed, v.micros)
	v.expected = l.harmful.grid.Saved(prior) / prior.Sum()
	for i, runs := range [...]uint64{p.runs, l.network.runs, l.country, l.world} {
		v.others, v.level = runs-v.runs, decision.Prefix+decision.Level(i)
		if v.others > 0 {
			return
		}
	}
}

// Prefix implements posterior.Visitor.
func (l *listener) Prefix(prefix int, _, next *posterior.Belief) {
	b := &l.blocks[l.network.prefixes[prefix].block]
	if !b.mixed {
		b.next = l.harmful.outlook(next, b.micros)
	}
}

// harmful is when a client counts as slower, and the grid that was made for it.
type harmful struct {
	grid       *posterior.Grid
	micros     float64 // the absolute limit
	ratio      float64 // the relative one: 0.05
	confidence float64 // of the bounds
}

func newHarmful(p *control.Policy) harmful {
	return harmful{
		grid:       posterior.NewGrid(p.Harm.RatioPPM),
		micros:     float64(p.Harm.Micros),
		ratio:      float64(p.Harm.RatioPPM) / 1e6,
		confidence: float64(p.Latency.ConfidencePPM) / 1e6,
	}
}

// outlook sums up what is believed of a population that waits micros on the default path.
func (l *harmful) outlook(b *posterior.Belief, micros float64) outlook {
	limit := 0.0
	if micros > 0 && l.micros > float64(l.ratio*micros) {
		limit = posterior.Log2(1 + l.micros/micros)
	}
	return outlook{
		harm:  l.grid.Above(b, limit),
		saved: l.grid.Saved(b),
		low:   l.grid.Quantile(b, 1-l.confidence),
		high:  l.grid.Quantile(b, l.confidence),
	}
}

// inAddressOrder orders resolvers.
func inAddressOrder(a, b *resolver) int { return a.address.Compare(b.address) }
