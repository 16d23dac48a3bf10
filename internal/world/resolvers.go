package world

import (
	"net/netip"
	"slices"
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

	documentationASN = 64496 // of a city without an ISP resolver (RFC 5398)
)

// spread decides which cities each public resolver serves.
func (p *placing) spread() {
	every := p.everywhere()
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
