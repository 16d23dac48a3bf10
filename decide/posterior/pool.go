package posterior

// Likelihood is a Belief that is kept: half the bytes, and exact enough.
type Likelihood [Size]float32

// Pack returns b to be kept.
func (b *Belief) Pack() (l Likelihood) {
	for k, x := range b {
		l[k] = float32(x)
	}
	return l
}

func (l *Likelihood) unpack(b *Belief) {
	for k, x := range l {
		b[k] = float64(x)
	}
}

// Prefix is the cells of a network whose resolvers are in one address prefix.
type Prefix struct {
	Cells []*Likelihood
	Runs  float64 // how much was seen of all of them
}

// Kin is how alike the cells of a prefix are, and the prefixes of a network.
type Kin struct{ Prefix, Network Kinship }

// Visitor is told what Pool finds. It may not keep what it is given.
type Visitor interface {
	// Cell is told of each cell, up to a factor, what all others make likely for it, and what is believed of it.
	Cell(prefix, cell int, prior, posterior *Belief)
	// Prefix is told what is believed of the prefix's own ratio, and what is likely for a cell of it that has shown
	// nothing. It comes behind its cells.
	Prefix(prefix int, mean, next *Belief)
}

// Pooler lets the prefixes of a network, and their cells, speak for one another.
type Pooler struct {
	Kin Kin

	nodes []node // of the network at hand
}

// node is what the cells of a prefix say, and what that says of the network.
type node struct{ all, up Belief }

// Pool goes through a network. It has a ratio of its own, drawn from base, which is what occurs in its country; each
// prefix is near it or not, and so is each cell to its prefix. On that tree the posterior is exact: what a node hears is
// all that others say, and not its own echo (belief propagation: J. Pearl, Probabilistic Reasoning in Intelligent Systems,
// 1988, chapter 4). The order of cells matters to the last bit: the caller keeps one.
func (p *Pooler) Pool(base *Belief, prefixes []Prefix, v Visitor) {
	if len(prefixes) > len(p.nodes) {
		p.nodes = make([]node, len(prefixes))
	}
	network := *base
	for i := range prefixes {
		p.gather(base, prefixes[i].Cells, &p.nodes[i])
		network.Weigh(&p.nodes[i].up)
		network.lift()
	}
	var others, prior Belief
	for i := range prefixes {
		without(&others, &network, &p.nodes[i].up)
		p.Kin.Network.below(&prior, &others, base)
		prior.Normalize()
		p.spread(base, &prior, i, prefixes[i].Cells, v)
	}
}

// gather sums up what the cells of a prefix say.
func (p *Pooler) gather(base *Belief, cells []*Likelihood, n *node) {
	var own, up Belief
	for i, l := range cells {
		l.unpack(&own)
		p.Kin.Prefix.Above(&up, &own, base)
		if i == 0 {
			n.all = up
			continue
		}
		n.all.Weigh(&up)
		n.all.lift()
	}
	p.Kin.Network.Above(&n.up, &n.all, base)
	n.up.peak()
}

// spread tells each cell of a prefix what the others and the network make likely.
func (p *Pooler) spread(base, prior *Belief, prefix int, cells []*Likelihood, v Visitor) {
	mean := *prior
	mean.Weigh(&p.nodes[prefix].all)
	mean.peak()
	var own, up, others, expected Belief
	for i, l := range cells {
		l.unpack(&own)
		p.Kin.Prefix.Above(&up, &own, base)
		without(&others, &mean, &up)
		p.Kin.Prefix.below(&expected, &others, base)
		own.Weigh(&expected)
		own.Normalize()
		v.Cell(prefix, i, &expected, &own)
	}
	mean.Normalize()
	p.Kin.Prefix.below(&expected, &mean, base)
	expected.Normalize()
	v.Prefix(prefix, &mean, &expected)
}

// without takes one message out of a product.
func without(out, all, one *Belief) {
	for k := range all {
		out[k] = all[k] / one[k]
	}
}
