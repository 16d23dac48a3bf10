package world

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"

	"detour/internal/world/geo"
)

const (
	blockSize = 16 // made-up resolvers of one /24 (or /48): one network, one city
	sixEvery  = 8  // one block in so many is IPv6
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
	p.invent(s.Resolvers-len(p.isp)-len(p.public), s.Scatter)
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

// invent adds n made-up resolvers: blocks of neighbours that share the AS, country and city of a real ISP resolver, but for
// the share that is scattered.
func (p *placing) invent(n int, scatter float64) {
	models := slices.Clone(p.isp)
	if len(models) == 0 {
		return
	}
	var block placed
	for i := range n {
		model := models[p.rng.IntN(len(models))]
		if i%blockSize == 0 {
			block = model
		}
		r := block
		if scatter > 0 && p.rng.Float64() < scatter {
			r.serves = []int{p.contrary(r.serves[0])}
		}
		r.addr = inventedAddr(i/blockSize, i%blockSize)
		p.isp = append(p.isp, r)
	}
}

// contrary returns the population of the same country for which the paths compare least as they do for p: what is true of
// the one misleads about the other. For a country with one population it is one of another country.
func (p *placing) contrary(to int) int {
	among := p.byCountry[p.populations[to].Country]
	if len(among) == 1 {
		among = p.everywhere()
	}
	best, most := to, 0.0
	for _, i := range among {
		a, b := p.populations[i].ratio(), p.populations[to].ratio()
		if apart := max(a/b, b/a); apart > most {
			best, most = i, apart
		}
	}
	return best
}

// everywhere returns all populations.
func (p *placing) everywhere() []int {
	out := make([]int, len(p.populations))
	for i := range out {
		out[i] = i
	}
	return out
}

// inventedAddr returns an address in 10.0.0.0/8 (private) or 2001:db8::/32 (documentation).
func inventedAddr(block, i int) netip.Addr {
	hi, lo := byte(block>>8), byte(block)
	if block%sixEvery == sixEvery-1 {
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, hi, lo, 15: byte(i + 1)})
	}
	return netip.AddrFrom4([4]byte{10, hi, lo, byte(i + 1)})
}
