package evaluate

import (
	"iter"
	"net/netip"

	"detour/schemas/sample"
)

// fake is a small world made by hand.
type fake struct {
	layout Layout
	truth  func(population, path, pane int) Truth
	runs   [][]Run // by pane
}

func (f *fake) Layout() *Layout { return &f.layout }

func (f *fake) Truth(population, path, pane int) Truth { return f.truth(population, path, pane) }

func (f *fake) Runs(pane int) iter.Seq[*Run] {
	return func(yield func(*Run) bool) {
		if pane >= len(f.runs) {
			return
		}
		for i := range f.runs[pane] {
			if !yield(&f.runs[pane][i]) {
				return
			}
		}
	}
}

// newFake returns a world of that many panes, resolvers with one population each, and paths.
func newFake(panes, resolvers, paths int) *fake {
	f := &fake{layout: Layout{
		Start: 1_800_000_000_000 / 60_000 * 60_000, Pane: 60_000, Panes: panes, Populations: resolvers,
		Paths: []string{"direct", "proxy", "proxy2", "proxy3"}[:paths],
	}, runs: make([][]Run, panes)}
	f.layout.Scored = func(pane int) bool { return pane == panes }
	for i := range resolvers {
		f.layout.Resolvers = append(f.layout.Resolvers, Resolver{
			Address: netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}),
			Shares:  []Share{{Population: i, ASN: uint32(i + 1), Weight: 1 / float64(resolvers)}},
		})
	}
	f.truth = func(_, path, _ int) Truth { return Truth{New: 300 - 60*float64(path), Reused: 100 - 20*float64(path)} }
	return f
}

// measure adds a run of a resolver, of one new and two reused pulses on each path; a time of 0 ms is a failure.
func (f *fake) measure(pane, resolver int, ms ...float64) {
	r := Run{Resolver: resolver}
	for _, v := range ms {
		var pulses []Pulse
		for i := range 3 {
			p := Pulse{Class: sample.Reused, Micros: uint32(1000 * v)}
			if i == 0 {
				p = Pulse{Class: sample.New, Micros: uint32(3000 * v)}
			}
			if v == 0 {
				p = Pulse{Outcome: sample.Unreachable}
			}
			pulses = append(pulses, p)
		}
		r.Pulses = append(r.Pulses, pulses)
	}
	f.runs[pane] = append(f.runs[pane], r)
}
