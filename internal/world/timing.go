package world

import (
	"fmt"
	"math"
	"slices"
)

// maxRuns is how many reports a scenario may have.
const maxRuns = 1e9

// settleRuns derives the number of runs from MedianRuns, if that is what the scenario gives: runs follow the users, so
// the median resolver's share of the users is its share of the runs.
func (w *World) settleRuns() error {
	s := &w.scenario
	if s.MedianRuns == 0 {
		return nil
	}
	var weights []weighted
	for _, r := range w.resolvers {
		weights = append(weights, weighted{r.Weight, r.Weight})
	}
	runs := math.Round(float64(s.MedianRuns) / median(weights))
	if runs > maxRuns {
		return fmt.Errorf("median_runs: %d take %.0f runs, at most %.0f are possible", s.MedianRuns, runs, maxRuns)
	}
	s.Runs, s.MedianRuns = int(runs), 0
	return nil
}

// ScoreTimes returns when an evaluator scores what was decided from the runs before, in ms since the Unix epoch: from
// ScoreFrom on every ScoreEvery, the scenario's end included; once, at ScoreFrom, if ScoreEvery is 0. A ScoreFrom of 0 is the
// end.
func (s *Scenario) ScoreTimes() []int64 {
	first := s.ScoreFrom
	if first == 0 {
		first = s.Duration
	}
	at := []int64{s.Start.Add(first).UnixMilli()}
	if s.ScoreEvery == 0 {
		return at
	}
	for next := first + s.ScoreEvery; next <= s.Duration; next += s.ScoreEvery {
		at = append(at, s.Start.Add(next).UnixMilli())
	}
	return at
}

// Span is a while in ms since the Unix epoch, from From to just before To.
type Span struct{ From, To int64 }

// Spans returns when a fault of the scenario, by its index, holds: once, or many times if it flaps.
func (s *Scenario) Spans(fault int) []Span {
	f := &s.Faults[fault]
	every, lasting := f.Every, f.Lasting
	if every == 0 {
		every, lasting = s.Duration, s.Duration
	}
	var out []Span
	end := f.end(s.Duration)
	for from := f.From; from < end; from += every {
		to := min(from+lasting, end)
		out = append(out, Span{s.Start.Add(from).UnixMilli(), s.Start.Add(to).UnixMilli()})
	}
	return out
}

// Hit is a cell whose requests a fault concerns, and on which paths.
type Hit struct {
	Cell  int // index in World.Cells
	Paths [PathCount]bool
}

// AffectedBy returns the cells that a fault of the scenario, by its index, hits while it holds (Scenario.Spans), in order:
// of an outage those with a path whose requests fail, of the others those with a path that takes another time. Lies change
// no path.
func (w *World) AffectedBy(fault int) []Hit {
	f := w.scenario.Faults[fault]
	f.Width = 0 // at its full factor, whatever the time of day
	at := f.From.Milliseconds()
	alone := *w
	alone.scenario.Faults = []Fault{f}
	paths := make([][PathCount]bool, len(w.populations))
	for i := range w.populations {
		p := &w.populations[i]
		calm, now := conditions{legs: p.legs, lastMile: 1}, alone.conditions(p, at)
		for path := range PathCount {
			paths[i][path] = calm.on(path) != now.on(path)
		}
	}
	var out []Hit
	for i, c := range w.cells {
		if slices.Contains(paths[c.Population][:], true) {
			out = append(out, Hit{i, paths[c.Population]})
		}
	}
	return out
}

// pathConditions are the part of conditions that one path sees.
type pathConditions struct {
	near, middle, lastMile float64
	down                   failures
	split                  chance
	tails                  [maxTails]chance
}

func (c *conditions) on(path int) pathConditions {
	o := pathConditions{near: c.legs.direct, lastMile: c.lastMile, down: c.down[path], split: c.splits[path], tails: c.tails[path]}
	if path == Proxy {
		o.near, o.middle = c.legs.edge, c.legs.middle
	}
	return o
}
