package world

import (
	"fmt"
	"slices"

	"detour/internal/world/geo"
)

// Regions are the cities of the cloud's regions, as in the talk.
var Regions = []string{"Washington", "Seattle", "Dublin"}

// A city has a point of presence if it lies this near to the one's airport, or if it gave the airport its name and lies
// in its region (Narita is 63 km from Tokyo; a Barcelona is also in Venezuela).
const (
	edgeKm      = 60
	edgeNamedKm = 100
)

func (p *pop) serves(c *city) bool {
	km := geo.Km(p.at, c.at)
	return km <= edgeKm || (km <= edgeNamedKm && p.city == c.name)
}

// Population is the people of one city as clients of the service.
type Population struct {
	City, Country, CountryName string
	ASN                        uint32  // of most of its users' access networks: that of its largest ISP resolver
	Weight                     float64 // share of all users
	Region                     string  // where GeoDNS sends it: the nearest region by geography
	Edge                       string  // where anycast sends it: the nearest edge by geography
	Origin                     string  // the region behind that edge: the nearest to the edge by geography

	at       geo.Point
	legs     legs
	lastMile quantiles
}

// legs are the round trips, in ms, that paths are composed of.
type legs struct {
	direct float64 // city to region
	edge   float64 // city to edge
	middle float64 // edge to its region, backbone factor applied
}

// topology is where everything is: the cities by their part in it.
type topology struct {
	data    *data
	cities  map[string]city
	regions []city
	edges   []city
	clients []city
}

func newTopology(d *data) *topology {
	t := &topology{data: d, cities: map[string]city{}}
	for _, c := range d.cities {
		t.cities[c.name] = c
		switch {
		case slices.Contains(Regions, c.name):
			t.regions = append(t.regions, c)
		case slices.ContainsFunc(d.pops, func(p pop) bool { return p.serves(&c) }):
			t.edges = append(t.edges, c)
		default:
			t.clients = append(t.clients, c)
		}
	}
	return t
}

// rtt returns the measured round trip from a to b in ms, as a measured it: a round trip has one value, but the two
// directions are batches of different days. Where that batch is missing the other direction stands for it.
func (t *topology) rtt(a, b string) (ms float64, ok bool) {
	if ms, ok = t.data.rtt[[2]string{a, b}]; !ok {
		ms, ok = t.data.rtt[[2]string{b, a}]
	}
	return ms, ok
}

func nearest(to geo.Point, among []city) city {
	return slices.MinFunc(among, func(a, b city) int {
		switch ka, kb := geo.Km(to, a.at), geo.Km(to, b.at); {
		case ka < kb:
			return -1
		case ka > kb:
			return 1
		}
		return 0
	})
}

// populations returns the client cities with their paths, weighted by people. A city for which a leg was measured in
// neither direction is left out.
func (t *topology) populations(backbone float64) ([]Population, error) {
	var out []Population
	var people float64
	for _, c := range t.clients {
		region, edge := nearest(c.at, t.regions), nearest(c.at, t.edges)
		origin := nearest(edge.at, t.regions)
		direct, ok1 := t.rtt(c.name, region.name)
		first, ok2 := t.rtt(c.name, edge.name)
		middle, ok3 := t.rtt(edge.name, origin.name)
		if !ok1 || !ok2 || !ok3 || c.people == 0 {
			continue
		}
		if _, ok := t.data.countries[c.country]; !ok {
			return nil, fmt.Errorf("no country %q for %s", c.country, c.name)
		}
		out = append(out, Population{
			City: c.name, Country: c.country, CountryName: c.countryName, Weight: c.people,
			Region: region.name, Edge: edge.name, Origin: origin.name,
			at:       c.at,
			legs:     legs{direct, first, float64(middle * backbone)},
			lastMile: t.data.lastMileOf(c.country),
		})
		people += c.people
	}
	for i := range out {
		out[i].Weight /= people
	}
	return out, nil
}
