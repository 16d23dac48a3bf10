package matrix

import (
	"slices"

	"detour/internal/evaluate"
)

// expected is what a client expects of a path: the mean times of a request, noise and cap applied.
type expected struct{ fresh, reused float64 }

// reference is what a client's slices are held against.
type reference struct {
	typical expected        // median times over the direct path, over the slices in which it answers, before noise
	mean    [paths]expected // over the slices in which the path answers; the cap where it never does
}

// references returns the references of all clients.
func (w *World) references() []reference {
	out := make([]reference, len(w.trace.clients))
	for client := range out {
		r := &out[client]
		r.typical = w.trace.typical(client)
		for path := range r.mean {
			r.mean[path] = w.mean(client, path, r.typical)
		}
	}
	return out
}

// typical returns the median times of a client over the direct path. New connections take the same multiple of reused
// ones in every slice, so one median tells both.
func (tr *trace) typical(client int) expected {
	var trips []float64
	for s := range tr.slices {
		if l := tr.at(s, client); l.over(direct).up {
			trips = append(trips, l.direct)
		}
	}
	slices.Sort(trips)
	middle := legs{direct: trips[len(trips)/2]}.over(direct)
	return expected{middle.fresh, middle.reused}
}

// mean returns what a client expects of a path over the whole trace.
func (w *World) mean(client, path int, typical expected) expected {
	var sum expected
	var n float64
	for s := range w.trace.slices {
		if t := w.trace.at(s, client).over(path); t.up {
			e := w.expect(t, typical)
			sum.fresh += e.fresh
			sum.reused += e.reused
			n++
		}
	}
	if n == 0 {
		return expected{float64(evaluate.Cap * typical.fresh), float64(evaluate.Cap * typical.reused)}
	}
	return expected{sum.fresh / n, sum.reused / n}
}

// expect applies the noise to times, each request counting at most evaluate.Cap times the typical one over the direct
// path.
func (w *World) expect(t times, typical expected) expected {
	capped := func(ms, typical float64) float64 { return float64(ms * w.noise.Mean(evaluate.Cap*typical/ms)) }
	return expected{capped(t.fresh, typical.fresh), capped(t.reused, typical.reused)}
}

// Truth implements evaluate.World. A step of t without rows is like the slice before it.
func (w *World) Truth(population, path, pane int) evaluate.Truth {
	slice, ok := w.trace.find(pane / PanesPerSlice)
	if !ok {
		slice--
	}
	ref := &w.reference[population]
	t := w.trace.at(slice, population).over(path)
	if !t.up {
		mean := ref.mean[path]
		return evaluate.Truth{New: mean.fresh, Reused: mean.reused, Fails: 1}
	}
	e := w.expect(t, ref.typical)
	return evaluate.Truth{New: e.fresh, Reused: e.reused, Fails: w.noise.Timeouts()}
}
