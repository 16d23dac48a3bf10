package posterior

// How alike neighbours are is chosen from these by what makes the evidence likeliest, so that a world whose groups mislead
// pools less than one whose groups are places.
var (
	apart  = []float64{0.01, 0.03, 0.1, 0.3, 0.6}
	spread = []float64{0.02, 0.1, 0.3, 0.5}
)

// UnknownKin is how alike neighbours are taken to be before anything was learnt.
func UnknownKin() Kin {
	return Kin{Prefix: Kinship{Apart: 0.1, Spread: 0.1}, Network: Kinship{Apart: 0.3, Spread: 0.3}}
}

// LearnKin chooses it for the bases, one figure after the other (coordinate ascent over the marginal likelihood of each
// cell given its neighbours).
func LearnKin(b *Bases, networks []*Network) Kin {
	best := UnknownKin()
	top := best.evidence(b, networks)
	try := func(of func(*Kin) *float64, values []float64) {
		for _, v := range values {
			k := best
			if *of(&k) = v; k == best {
				continue
			}
			if e := k.evidence(b, networks); e > top {
				best, top = k, e
			}
		}
	}
	try(func(k *Kin) *float64 { return &k.Prefix.Apart }, apart)
	try(func(k *Kin) *float64 { return &k.Network.Apart }, apart)
	try(func(k *Kin) *float64 { return &k.Prefix.Spread }, spread)
	try(func(k *Kin) *float64 { return &k.Network.Spread }, spread)
	return best
}

// evidence returns the sum, over all cells, of log2 of how likely its evidence is given all others'.
func (k *Kin) evidence(b *Bases, networks []*Network) (sum float64) {
	for _, n := range networks {
		base := b.Of(n)
		k.Pool(&base, n.Prefixes)
		for _, p := range n.Prefixes {
			for _, m := range p.Members {
				sum += Log2(dot(&m.Prior, &m.Likelihood) / m.Prior.sum())
			}
		}
	}
	return sum
}
