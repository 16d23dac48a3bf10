package world

import "slices"

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
