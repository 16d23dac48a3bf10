// Package scenario has the worlds of package world evaluated.
package scenario

import (
	"fmt"
	"iter"
	"slices"

	"detour/internal/evaluate"
	"detour/internal/world"
	"detour/schemas/sample"
)

// paneMs is the length of a pane, as a deployment starts with.
const paneMs = 60_000

// World is a world under evaluation. Reports that are malformed are left out: ingest refuses them.
type World struct {
	world  *world.World
	layout evaluate.Layout
	first  []int // by resolver: its first cell
	next   int   // run to draw
	drawn  world.Drawn
	held   bool // drawn is of a later pane
	at     int  // pane of truths
	truths [][world.PathCount]world.Truth
}

// New builds the world of a scenario.
func New(s world.Scenario) (*World, error) {
	w, err := build(s)
	if err != nil {
		return nil, err
	}
	if honest := s.Without(world.Poison); len(honest.Faults) < len(s.Faults) {
		twin, err := build(honest)
		if err != nil {
			return nil, err
		}
		w.layout.Honest = twin
	}
	return w, nil
}

func build(s world.Scenario) (*World, error) {
	built, err := world.New(s)
	if err != nil {
		return nil, err
	}
	start := s.Start.UnixMilli()
	if start%paneMs != 0 || s.Duration.Milliseconds()%paneMs != 0 {
		return nil, fmt.Errorf("scenario: start: %v, duration: %v: they have to be whole minutes: a pane is one", s.Start, s.Duration)
	}
	w := &World{world: built, at: -1}
	w.layout = evaluate.Layout{
		Start: start, Pane: paneMs, Panes: int(s.Duration.Milliseconds() / paneMs),
		Paths: built.Paths(), Populations: len(built.Populations()), Outages: outages(built),
	}
	var scored []int
	for _, t := range s.ScoreTimes() {
		scored = append(scored, int((t-start)/paneMs))
	}
	w.layout.Scored = func(pane int) bool { return slices.Contains(scored, pane) }
	return w, w.place()
}

// place lays out the resolvers and their users.
func (w *World) place() error {
	at := 0
	for i, resolver := range w.world.Resolvers() {
		r := evaluate.Resolver{Address: resolver.Addr}
		for _, c := range w.world.CellsOf(i) {
			country, err := sample.ParseCountry(c.Country)
			if err != nil {
				return err
			}
			r.Shares = append(r.Shares, evaluate.Share{Population: c.Population, Country: country, ASN: c.ASN, Weight: c.Weight})
		}
		w.layout.Resolvers = append(w.layout.Resolvers, r)
		w.first = append(w.first, at)
		at += len(r.Shares)
		if w.world.Attacked(i) {
			w.layout.Attacked = append(w.layout.Attacked, i)
		}
	}
	return nil
}

// Layout implements evaluate.World.
func (w *World) Layout() *evaluate.Layout { return &w.layout }

// Runs implements evaluate.World.
func (w *World) Runs(pane int) iter.Seq[*evaluate.Run] {
	end := w.layout.Start + int64(pane+1)*paneMs
	return func(yield func(*evaluate.Run) bool) {
		run := newRun()
		for {
			if !w.held {
				if w.next == w.world.Scenario().Runs {
					return
				}
				w.drawn, w.held = w.world.Draw(w.next), true
				w.next++
			}
			if w.drawn.Time >= end {
				return
			}
			w.held = false
			if w.drawn.Flaw == "" && !yield(w.convert(run)) {
				return
			}
		}
	}
}

func newRun() *evaluate.Run {
	r := &evaluate.Run{Pulses: make([][]evaluate.Pulse, world.PathCount)}
	for path := range r.Pulses {
		r.Pulses[path] = make([]evaluate.Pulse, world.PulseCount)
	}
	return r
}

// convert turns the run at hand into what ingest would make of its report.
func (w *World) convert(to *evaluate.Run) *evaluate.Run {
	d := &w.drawn
	to.Resolver, to.Share = d.Resolver, d.Cell-w.first[d.Resolver]
	to.Client = uint64(d.Cell+1)<<32 | d.Device
	for path := range d.Pulses {
		for i := range d.Pulses[path] {
			to.Pulses[path][i] = pulse(&d.Pulses[path][i])
		}
	}
	return to
}

func pulse(p *world.Pulse) evaluate.Pulse {
	class := sample.New
	if p.Class == world.ReusedConnection {
		class = sample.Reused
	}
	switch p.Status {
	case 200:
		return evaluate.Pulse{Class: class, Outcome: sample.OK, Micros: uint32(p.Micros())}
	case 504:
		return evaluate.Pulse{Class: class, Outcome: sample.GatewayError}
	}
	return evaluate.Pulse{Class: sample.Unknown, Outcome: sample.Unreachable}
}

// Truth implements evaluate.World.
func (w *World) Truth(population, path, pane int) evaluate.Truth {
	if pane != w.at {
		w.at, w.truths = pane, w.world.TruthsAt(w.layout.Start+int64(pane)*paneMs)
	}
	t := &w.truths[population][path]
	return evaluate.Truth{New: t.New, Reused: t.Reused, Fails: t.Failures}
}
