package world

import "sort"

// Cell is the part of a population that is behind one resolver: the finest grain at which users differ.
type Cell struct {
	Resolver   int     // index in World.Resolvers
	Population int     // index in World.Populations
	Country    string  // of its clients
	ASN        uint32  // of its clients: an ISP's resolver serves its own network, a public one the city's main one
	Weight     float64 // share of all users

	devices uint64 // that take part in measuring
}

// Cells returns the cells in order of resolver, then population. The caller may not change them.
func (w *World) Cells() []Cell { return w.cells }

// CellsOf returns the cells of a resolver, by its index.
func (w *World) CellsOf(resolver int) []Cell {
	from := sort.Search(len(w.cells), func(i int) bool { return w.cells[i].Resolver >= resolver })
	return w.cells[from:][:len(w.resolvers[resolver].Populations)]
}

// devicesPerRun is how many devices a cell has for each run that it is expected to make: most runs come from a device
// that was not heard before, and a few repeat.
const devicesPerRun = 4

// cut lists the cells and their cumulative weights, as integers so that the draw is the same on every platform.
func (w *World) cut() {
	var sum float64
	for i, r := range w.resolvers {
		for _, share := range r.Populations {
			p := &w.populations[share.Population]
			asn := r.ASN
			if r.Anycast {
				asn = p.ASN
			}
			runs := share.Weight * float64(w.scenario.Runs)
			w.cells = append(w.cells, Cell{
				Resolver: i, Population: share.Population, Country: p.Country, ASN: asn, Weight: share.Weight,
				devices: 1 + uint64(devicesPerRun*runs),
			})
			sum += share.Weight
			w.cumulative = append(w.cumulative, uint64(sum*(1<<53)))
		}
	}
}

// drawCell returns the cell at u of [0, 1) in units of 2^-53.
func (w *World) drawCell(u uint64) int {
	i := sort.Search(len(w.cumulative), func(i int) bool { return w.cumulative[i] > u })
	return min(i, len(w.cells)-1)
}
