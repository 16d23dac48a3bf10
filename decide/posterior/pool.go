package posterior

// Member is a cell in its network: what it has shown, and what becomes of it.
type Member struct {
	Likelihood Belief
	Prior      Belief // what its neighbours and its country make likely, up to a factor
	Posterior  Belief

	up Belief // what it says of its prefix
}

// Prefix is the members of a network whose resolvers are in one address prefix.
type Prefix struct {
	Members []*Member
	Next    Belief // what is likely for a resolver of the prefix that has shown nothing
	Mean    Belief // what is believed of the prefix's own ratio

	all, up Belief
}

// Kin is how alike the members of a prefix are, and the prefixes of a network.
type Kin struct{ Prefix, Network Kinship }

// Pool lets the prefixes of a network, and their members, speak for one another. A network has a ratio of its own, drawn
// from base, which is what occurs in its country; each prefix is near it or not, and so is each member to its prefix. On
// that tree the posterior is exact: what a node hears is all that others say, and not its own echo (belief propagation:
// J. Pearl, Probabilistic Reasoning in Intelligent Systems, 1988, chapter 4). Order of members matters to the last bit:
// the caller keeps one. It returns what is likely for a prefix of the network that has shown nothing.
func (k *Kin) Pool(base *Belief, prefixes []*Prefix) (next Belief) {
	network := *base
	for _, p := range prefixes {
		k.gather(base, p)
		network.times(&p.up)
		network.lift()
	}
	var others, prior Belief
	for _, p := range prefixes {
		without(&others, &network, &p.up)
		k.Network.below(&prior, &others, base)
		prior.Normalize()
		k.spread(base, &prior, p)
	}
	k.Network.below(&next, &network, base)
	next.Normalize()
	return next
}

// gather sums up what the members of p say.
func (k *Kin) gather(base *Belief, p *Prefix) {
	for i, m := range p.Members {
		k.Prefix.above(&m.up, &m.Likelihood, base)
		if i == 0 {
			p.all = m.up
			continue
		}
		p.all.times(&m.up)
		p.all.lift()
	}
	k.Network.above(&p.up, &p.all, base)
	p.up.peak()
}

// spread tells each member of p what the others and the network make likely.
func (k *Kin) spread(base, prior *Belief, p *Prefix) {
	p.Mean = *prior
	p.Mean.times(&p.all)
	p.Mean.peak()
	var others Belief
	for _, m := range p.Members {
		without(&others, &p.Mean, &m.up)
		k.Prefix.below(&m.Prior, &others, base)
		m.Posterior = m.Prior
		m.Posterior.times(&m.Likelihood)
		m.Posterior.Normalize()
	}
	p.Mean.Normalize()
	k.Prefix.below(&p.Next, &p.Mean, base)
	p.Next.Normalize()
}

// without takes one message out of a product.
func without(out, all, one *Belief) {
	for k := range all {
		out[k] = all[k] / one[k]
	}
}
