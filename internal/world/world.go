package world

import (
	"fmt"
	"net/netip"
	"slices"
)

// World is an Internet that knows the truth about itself. It doesn't change once built; all methods may be called from
// several goroutines.
type World struct {
	scenario    Scenario
	topology    *topology
	populations []Population
	resolvers   []Resolver
	cells       []Cell
	cumulative  []uint64 // cells' weights added up, in units of 2^-53
	noise       noise
	noiseMean   float64
	truth       [][PathCount]truths // by population
	timeouts    float64             // share of requests, faults apart
}

// New builds the world of a scenario.
func New(s Scenario) (*World, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	d, err := measured()
	if err != nil {
		return nil, err
	}
	w := &World{scenario: s, topology: newTopology(d), noise: d.noise.scaled(s.Noise), timeouts: float64(d.timeouts * s.Noise)}
	w.noiseMean = w.noise.mean()
	if w.populations, err = w.topology.populations(s.Backbone); err != nil {
		return nil, err
	}
	if err := w.checkPlaces(); err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	w.truth = w.tabulate()
	w.resolvers = placeResolvers(d, w.populations, &s)
	if err := w.settleRuns(); err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	w.cut()
	return w, nil
}

// checkPlaces refuses faults at places that the world doesn't have: they would silently do nothing.
func (w *World) checkPlaces() error {
	for i, f := range w.scenario.Faults {
		if !slices.ContainsFunc(w.populations, func(p Population) bool { return f.touches(&p) }) {
			return fmt.Errorf("faults[%d]: no client uses %q", i, f.Edge+f.Region+f.Country+f.City)
		}
	}
	return nil
}

// Paths returns the names of the paths, as reports call them; the index is the path's number here.
func (w *World) Paths() []string { return slices.Clone(pathNames) }

// Populations returns the client cities. The caller may not change them.
func (w *World) Populations() []Population { return w.populations }

// Resolvers returns the resolvers in order of address. The caller may not change them.
func (w *World) Resolvers() []Resolver { return w.resolvers }

// Resolver returns the resolver of that address, and whether there is one.
func (w *World) Resolver(addr netip.Addr) (*Resolver, bool) {
	i, ok := slices.BinarySearchFunc(w.resolvers, addr, func(r Resolver, a netip.Addr) int { return r.Addr.Compare(a) })
	if !ok {
		return nil, false
	}
	return &w.resolvers[i], true
}

// Scenario returns what the world was built from, with Runs in place of MedianRuns: it builds the same world.
func (w *World) Scenario() Scenario { return w.scenario }

// End is the declared end of the log in ms since the Unix epoch: no run is later.
func (w *World) End() int64 { return w.scenario.Start.Add(w.scenario.Duration).UnixMilli() }
