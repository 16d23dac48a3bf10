package matrix

import (
	"cmp"
	"iter"
	"math"
	"math/rand/v2"
	"slices"

	"detour/internal/evaluate"
	"detour/schemas/sample"
)

// A run has three pulses per path: one on a new connection, then two on the same, as in package world.
const pulses = 3

// drawn are the runs of one slice, in order of pane, then client.
type drawn struct {
	after int // steps of t since the first slice; -1 before any
	runs  []draw
	run   evaluate.Run
	room  [paths][pulses]evaluate.Pulse
}

// draw is a run to make.
type draw struct{ pane, client, number int }

// Runs implements evaluate.World.
func (w *World) Runs(pane int) iter.Seq[*evaluate.Run] {
	d := &w.drawn
	if after := pane / PanesPerSlice; after != d.after {
		w.draw(after)
	}
	return func(yield func(*evaluate.Run) bool) {
		from, _ := slices.BinarySearchFunc(d.runs, pane, func(r draw, pane int) int { return cmp.Compare(r.pane, pane) })
		for _, r := range d.runs[from:] {
			if r.pane != pane || !yield(w.run(r)) {
				return
			}
		}
	}
}

// draw decides which clients make how many runs in a step of t, and when. Each client has a random stream of its own in
// each step, so that nothing depends on what others measured.
func (w *World) draw(after int) {
	d := &w.drawn
	d.after, d.runs = after, d.runs[:0]
	slice, ok := w.trace.find(after)
	if !ok {
		return
	}
	for client := range w.trace.clients {
		if !w.trace.measured(slice, client, direct) && !w.trace.measured(slice, client, proxy) {
			continue
		}
		rng := w.stream(after, client, 0)
		for number := range poisson(rng, w.config.Runs) {
			d.runs = append(d.runs, draw{after*PanesPerSlice + rng.IntN(PanesPerSlice), client, number})
		}
	}
	slices.SortFunc(d.runs, func(a, b draw) int {
		return cmp.Or(cmp.Compare(a.pane, b.pane), cmp.Compare(a.client, b.client), cmp.Compare(a.number, b.number))
	})
}

// golden is 2^64 divided by the golden ratio: it spreads consecutive numbers over the generator's states.
const golden = 0x9e3779b97f4a7c15

// stream returns the random stream of a client's run in a step of t, number 0 being that which says how many there are.
func (w *World) stream(after, client, number int) *rand.Rand {
	return rand.New(rand.NewPCG(w.config.Seed+golden*uint64(after+1), uint64(client)<<32|uint64(number)))
}

// run makes a run; it is overwritten by the next one. Every run comes from a device of its own.
func (w *World) run(r draw) *evaluate.Run {
	d := &w.drawn
	rng := w.stream(r.pane/PanesPerSlice, r.client, r.number+1)
	slice, _ := w.trace.find(r.pane / PanesPerSlice)
	at := w.trace.at(slice, r.client)
	d.run = evaluate.Run{
		Resolver: r.client,
		Client:   1 + uint64(r.client)<<32 + uint64(r.number),
		Pulses:   make([][]evaluate.Pulse, paths),
	}
	for path := range paths {
		if w.trace.measured(slice, r.client, path) {
			w.pulses(rng, at.over(path), &d.room[path])
			d.run.Pulses[path] = d.room[path][:]
		}
	}
	return &d.run
}

// pulses draws the requests of a run over a path. One that fails loses the connection: the next one opens another.
func (w *World) pulses(rng *rand.Rand, t times, out *[pulses]evaluate.Pulse) {
	class, ms := sample.New, t.fresh
	for i := range out {
		factor, luck := w.noise.Sample(rng), rng.Float64()
		if !t.up || luck < w.noise.Timeouts() {
			out[i] = evaluate.Pulse{Outcome: sample.Unreachable}
			class, ms = sample.New, t.fresh
			continue
		}
		out[i] = evaluate.Pulse{Class: class, Outcome: sample.OK, Micros: micros(ms * factor)}
		class, ms = sample.Reused, t.reused
	}
}

// micros turns ms into whole µs, of which there is at least one.
func micros(ms float64) uint32 {
	return uint32(min(max(math.Floor(float64(ms*1000)+0.5), 1), math.MaxUint32))
}

// poisson draws a number with that mean, by counting how many exponential gaps fit (D. E. Knuth, The Art of Computer
// Programming, vol. 2, 3.4.1); a large mean is drawn in parts, since exp(-mean) would be 0.
func poisson(rng *rand.Rand, mean float64) int {
	n := 0
	for mean > 0 {
		part := min(mean, 16)
		mean -= part
		for left := rng.Float64(); left > math.Exp(-part); left *= rng.Float64() {
			n++
		}
	}
	return n
}
