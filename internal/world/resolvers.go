package world

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"

	"detour/internal/world/geo"
)

// Resolver is a recursive resolver and the users behind it. Its address is a name: nothing is ever sent to it.
type Resolver struct {
	Addr        netip.Addr
	ASN         uint32
	Country     string  // where it stands, which need not be its users' country
	Anycast     bool    // a public one that serves many cities
	Weight      float64 // share of all users
	Populations []Share // the users by population, in order of population
}

// Share is the part of a population that is behind one resolver.
type Share struct {
	Population int     // index in World.Populations
	Weight     float64 // share of all users
}

const (
	worldwide    = 32 // the most used public resolvers serve every city
	regionalMost = 8  // the other public ones serve 2 to this many
	blockSize    = 16 // made-up resolvers of one /24 (or /48): one network, one city
	sixEvery     = 8  // one block in so many is IPv6

	documentationASN = 64496 // of a city without an ISP resolver (RFC 5398)
)

// placing is the work of putting resolvers before populations.
type placing struct {
	data        *data
	populations []Population
	rng         *rand.Rand
	byCountry   map[string][]int // populations
	isp, public []placed
}

// placed is a resolver with the populations that it serves.
type placed struct {
	identity
	serves []int
}

// placeResolvers returns n resolvers in order of address, with their users' weights adding up to 1.
//
// An ISP's resolver serves one city of its country, drawn by people. A country without a client city (its cities are
// edges, or not in the data) takes the nearest client city of any country. Within a city users split by Zipf's law over
// its resolvers in random order, those of its own country first; so does the share that uses public resolvers over those.
func placeResolvers(d *data, populations []Population, s *Scenario) []Resolver {
	p := &placing{
		data: d, populations: populations, byCountry: map[string][]int{},
		rng: rand.New(rand.NewPCG(s.Seed, 0x7265736f6c766572)), // apart from the runs' streams
	}
	for i, pop := range populations {
		p.byCountry[pop.Country] = append(p.byCountry[pop.Country], i)
	}
	for _, id := range p.choose(s.Resolvers) {
		if id.anycast {
			p.public = append(p.public, placed{identity: id})
		} else {
			p.isp = append(p.isp, placed{id, []int{p.city(id.country)}})
		}
	}
	p.invent(s.Resolvers - len(p.isp) - len(p.public))
	p.rng.Shuffle(len(p.isp), func(i, j int) { p.isp[i], p.isp[j] = p.isp[j], p.isp[i] })
	slices.SortStableFunc(p.isp, func(a, b placed) int { return p.abroad(a) - p.abroad(b) })
	p.rng.Shuffle(len(p.public), func(i, j int) { p.public[i], p.public[j] = p.public[j], p.public[i] })
	p.spread()
	return p.resolvers(s.Public)
}

// choose returns n of the real resolvers at random, or all of them.
func (p *placing) choose(n int) []identity {
	all := slices.Clone(p.data.resolvers)
	if n < len(all) {
		p.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		all = all[:n]
	}
	return all
}

// city draws a client city for a resolver that stands in country.
func (p *placing) city(country string) int {
	among := p.byCountry[country]
	if len(among) == 0 {
		among = []int{p.nearest(p.data.countries[country].at)}
		p.byCountry[country] = among
	}
	return p.draw(among)
}

// abroad is 1 for a resolver whose city is not in its country, else 0: people use those of their own country first.
func (p *placing) abroad(r placed) int {
	if p.populations[r.serves[0]].Country != r.country {
		return 1
	}
	return 0
}

// nearest returns the population nearest to a place.
func (p *placing) nearest(to geo.Point) int {
	best, least := 0, math.Inf(1)
	for i := range p.populations {
		if km := geo.Km(to, p.populations[i].at); km < least {
			best, least = i, km
		}
	}
	return best
}

// draw picks one of some populations by weight.
func (p *placing) draw(among []int) int {
	var sum float64
	for _, i := range among {
		sum += p.populations[i].Weight
	}
	at := float64(p.rng.Float64() * sum)
	for _, i := range among {
		if at -= p.populations[i].Weight; at < 0 {
			return i
		}
	}
	return among[len(among)-1]
}

// invent adds n made-up resolvers: blocks of neighbours that share the AS, country and city of a real ISP resolver.
func (p *placing) invent(n int) {
	models := slices.Clone(p.isp)
	if len(models) == 0 {
		return
	}
	for i := range n {
		block := i / blockSize
		r := models[p.rng.IntN(len(models))]
		if i%blockSize > 0 {
			r = p.isp[len(p.isp)-1]
		}
		r.addr = inventedAddr(block, i%blockSize)
		p.isp = append(p.isp, r)
	}
}

// inventedAddr returns an address in 10.0.0.0/8 (private) or 2001:db8::/32 (documentation).
func inventedAddr(block, i int) netip.Addr {
	hi, lo := byte(block>>8), byte(block)
	if block%sixEvery == sixEvery-1 {
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, hi, lo, 15: byte(i + 1)})
	}
	return netip.AddrFrom4([4]byte{10, hi, lo, byte(i + 1)})
}

// spread decides which cities each public resolver serves.
func (p *placing) spread() {
	every := make([]int, len(p.populations))
	for i := range every {
		every[i] = i
	}
	for i := range p.public {
		if i < worldwide {
			p.public[i].serves = every
			continue
		}
		for range 2 + p.rng.IntN(regionalMost-1) {
			p.public[i].serves = append(p.public[i].serves, p.draw(every))
		}
		slices.Sort(p.public[i].serves)
		p.public[i].serves = slices.Compact(p.public[i].serves)
	}
}

// resolvers splits each population's users: the public share over public resolvers, the rest over ISPs'. Where there are
// none of one kind, the other takes all.
func (p *placing) resolvers(public float64) []Resolver {
	isp, open := zipf(p.isp, len(p.populations)), zipf(p.public, len(p.populations))
	var total float64
	for i := range p.populations {
		if isp.sum[i] > 0 || open.sum[i] > 0 {
			total += p.populations[i].Weight
		}
		p.populations[i].ASN = isp.asn[i]
		if isp.asn[i] == 0 {
			p.populations[i].ASN = documentationASN
		}
	}
	var out []Resolver
	add := func(kind []placed, z, other shares, part float64) {
		for i, r := range kind {
			res := Resolver{Addr: r.addr, ASN: r.asn, Country: r.country, Anycast: r.anycast}
			for j, pop := range r.serves {
				users := p.populations[pop].Weight / total
				if other.sum[pop] > 0 {
					users *= part
				}
				weight := users * z.weight[i][j] / z.sum[pop]
				res.Populations = append(res.Populations, Share{pop, weight})
				res.Weight += weight
			}
			out = append(out, res)
		}
	}
	add(p.isp, isp, open, 1-public)
	add(p.public, open, isp, public)
	slices.SortFunc(out, func(a, b Resolver) int { return a.Addr.Compare(b.Addr) })
	return out
}

// shares is how the users of each population split over one kind of resolvers, before normalising.
type shares struct {
	weight [][]float64 // by resolver and its populations
	sum    []float64   // by population
	asn    []uint32    // by population: of its most used resolver
}

// zipf gives the k-th resolver of a city the weight 1/k.
func zipf(kind []placed, populations int) shares {
	s := shares{sum: make([]float64, populations), asn: make([]uint32, populations)}
	rank := make([]int, populations)
	for _, r := range kind {
		var w []float64
		for _, pop := range r.serves {
			if rank[pop]++; rank[pop] == 1 {
				s.asn[pop] = r.asn
			}
			w = append(w, 1/float64(rank[pop]))
			s.sum[pop] += 1 / float64(rank[pop])
		}
		s.weight = append(s.weight, w)
	}
	return s
}
