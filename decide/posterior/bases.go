package posterior

// Network is a network in a country, as Bases learns from it.
type Network struct {
	Country  int // index
	Prefixes []Prefix

	said   Belief // what its prefixes add to the country's distribution
	weight float64
}

// Bases is what ratios occur in each country, and anywhere: a distribution, where a network or a prefix is a place in it.
type Bases struct {
	World     Belief
	countries []countryBase
}

type countryBase struct {
	sum    Belief
	weight float64
}

const (
	baseRounds   = 4
	countryPrior = 1.5 // prefixes that the world counts as, in a country
	countryHalf  = 5   // prefixes with which a country counts half in the world
	prefixHalf   = 1   // runs with which a prefix counts half in its country
)

// wide is what is likely anywhere before anything was learnt: half as likely for each half octave from 0.
func wide() (b Belief) {
	for k := range b {
		away := k - maxTruth
		b[k] = Exp2(-float64(max(away, -away)) / (PerOctave / 2))
	}
	b.Normalize()
	return b
}

// UnknownBases is the bases before anything was learnt.
func UnknownBases() *Bases { return &Bases{World: wide()} }

// LearnBases learns them by EM: what is believed of each prefix, given the bases of the round before, is what occurs. A
// network is never told what it said itself. How often a country's prefixes lie where makes its base, shrunk to the
// world's; and the world's is the mean of all countries, each by how much was seen of it.
func LearnBases(kin Kin, countries int, networks []*Network) *Bases {
	b := &Bases{World: wide(), countries: make([]countryBase, countries)}
	pooler := Pooler{Kin: kin}
	for range baseRounds {
		next := make([]countryBase, countries)
		for _, n := range networks {
			base := b.Of(n)
			s := speaker{network: n}
			pooler.Pool(&base, n.Prefixes, &s)
			n.said, n.weight = s.said, s.weight
			next[n.Country].add(n)
		}
		b.countries = next
		b.World = world(next)
	}
	return b
}

// speaker sums up what is believed of a network's prefixes.
type speaker struct {
	network *Network
	said    Belief
	weight  float64
}

// Cell implements Visitor.
func (s *speaker) Cell(int, int, *Belief, *Belief) {}

// Prefix implements Visitor.
func (s *speaker) Prefix(prefix int, mean, _ *Belief) {
	runs := s.network.Prefixes[prefix].Runs
	w := runs / (runs + prefixHalf)
	for k, x := range mean {
		s.said[k] += float64(w * x)
	}
	s.weight += w
}

func (c *countryBase) add(n *Network) {
	for k, x := range n.said {
		c.sum[k] += x
	}
	c.weight += n.weight
}

func world(countries []countryBase) (b Belief) {
	for i := range countries {
		c := &countries[i]
		if c.weight == 0 {
			continue
		}
		share := 1 / (c.weight + countryHalf)
		for k, x := range c.sum {
			b[k] += float64(share * x)
		}
	}
	seen := b
	Kinship{Spread: 0.3}.near(&b, &seen) // no country was seen between two others, but one may be there
	sum := b.Sum()
	if sum == 0 {
		return wide()
	}
	for k := range b {
		b[k] = b[k]/sum + 1e-6
	}
	b.Normalize()
	return b
}

// Of returns the base of a network: its country's, without what the network itself said.
func (b *Bases) Of(n *Network) Belief {
	if n.Country >= len(b.countries) {
		return b.World
	}
	c := &b.countries[n.Country]
	out := b.World
	for k := range out {
		out[k] = float64(countryPrior*out[k]) + max(0, c.sum[k]-n.said[k])
	}
	out.Normalize()
	return out
}
