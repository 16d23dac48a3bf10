package world

import (
	"iter"
	"math/rand/v2"
	"time"
)

// Run is one record of the reports topic.
type Run struct {
	Time      int64  // ms since the Unix epoch, as a collector would set it; never decreases
	Partition int32  // stable by device
	Value     []byte // Probnik JSON
	Flaw      string // what is wrong with it, "" if nothing is
}

// Runs returns the whole log in order of time. Each run has a random stream of its own, so any part of the log can be
// made without the rest.
func (w *World) Runs() iter.Seq[Run] { return w.RunsFrom(0) }

// RunsFrom returns the log from the run with that number on.
func (w *World) RunsFrom(first int) iter.Seq[Run] {
	return func(yield func(Run) bool) {
		for i := first; i < w.scenario.Runs; i++ {
			if !yield(w.run(i)) {
				return
			}
		}
	}
}

// golden is 2^64 divided by the golden ratio: it spreads consecutive numbers over the generator's states.
const golden = 0x9e3779b97f4a7c15

// run makes run number i. Runs are evenly spaced, each shifted at random within its slot, which keeps them in order.
func (w *World) run(i int) Run {
	rng := rand.New(rand.NewPCG(w.scenario.Seed, golden*uint64(i+1)))
	slot := w.scenario.Duration / time.Duration(w.scenario.Runs)
	since := time.Duration(i)*slot + time.Duration(rng.Int64N(max(1, int64(slot))))

	at := w.drawCell(rng.Uint64() >> 11)
	device := rng.Uint64N(w.cells[at].devices)
	r := Run{
		Time:      w.scenario.Start.UnixMilli() + since.Milliseconds(),
		Partition: int32(mix(uint64(at)<<32|device) % uint64(w.scenario.Partitions)),
		Value:     w.report(i, at, device, since.Milliseconds(), rng),
	}
	if rng.Float64() < w.scenario.Bad {
		flaw := flaws[rng.IntN(len(flaws))]
		r.Value, r.Flaw = flaw.spoil(r.Value), flaw.name
	}
	return r
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
