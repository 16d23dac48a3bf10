package posterior

// How alike neighbours are is chosen from these by what makes the evidence likeliest, so that a world whose groups mislead
// pools less than one whose groups are places.
var (
	apart  = []float64{0.05, 0.1, 0.3, 0.6}
	spread = []float64{0.1, 0.3, 0.5}
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
func (k *Kin) evidence(b *Bases, networks []*Network) float64 {
	pooler, judge := Pooler{Kin: *k}, marginal{}
	for _, n := range networks {
		base := b.Of(n)
		judge.prefixes = n.Prefixes
		pooler.Pool(&base, n.Prefixes, &judge)
	}
	return judge.sum
}

// marginal sums up how likely each cell's evidence was.
type marginal struct {
	prefixes []Prefix
	sum      float64
}

// Cell implements Visitor.
func (m *marginal) Cell(prefix, cell int, prior, _ *Belief) {
	var own Belief
	m.prefixes[prefix].Cells[cell].unpack(&own)
	m.sum += Log2(dot(prior, &own) / prior.Sum())
}

// Prefix implements Visitor.
func (m *marginal) Prefix(int, *Belief, *Belief) {}
