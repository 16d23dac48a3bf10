package world

import (
	"math/rand/v2"
	"time"
)

// PathCount is the number of paths, PulseCount that of the pulses by which a run measures each of them.
const (
	PathCount  = 2
	PulseCount = newPulses + reusedPulses
)

// Pulse is one request of a run, as a probe would report it.
type Pulse struct {
	Class          Class // of the connection that it tried
	Status         int   // 200; 504 from an edge that doesn't reach its region; 0 if no answer came in 20 s
	TCP, TLS, Wait int64 // µs, on a new connection all above 0; meaningless without an answer
}

// Micros is how long the pulse took in µs, connection set-up included: the latency of a sample.
func (p *Pulse) Micros() int64 { return p.TCP + p.TLS + p.Wait }

// Drawn is what one run measured, as values: what its report says, and whom it is about.
type Drawn struct {
	Number     int    // of the run
	Time       int64  // ms since the Unix epoch; never decreases with the number
	Cell       int    // index in World.Cells
	Resolver   int    // index in World.Resolvers
	Population int    // index in World.Populations
	Device     uint64 // within the cell
	Lies       bool   // the pulses are not what was measured (Poison)
	Flaw       string // what will be wrong with the report, "" if nothing is
	Pulses     [PathCount][PulseCount]Pulse
}

// golden is 2^64 divided by the golden ratio: it spreads consecutive numbers over the generator's states.
const golden = 0x9e3779b97f4a7c15

// Draw makes run number i, from 0 to below the scenario's Runs. Each has a random stream of its own, so any run can be made
// without the others. Runs are evenly spaced, each shifted at random within its slot, which keeps them in order.
func (w *World) Draw(i int) Drawn {
	rng := rand.New(rand.NewPCG(w.scenario.Seed, golden*uint64(i+1)))
	slot := w.scenario.Duration / time.Duration(w.scenario.Runs)
	since := time.Duration(i)*slot + time.Duration(rng.Int64N(max(1, int64(slot))))

	at := w.drawCell(rng.Uint64() >> 11)
	c := &w.cells[at]
	d := Drawn{
		Number:     i,
		Time:       w.scenario.Start.UnixMilli() + since.Milliseconds(),
		Cell:       at,
		Resolver:   c.Resolver,
		Population: c.Population,
		Device:     rng.Uint64N(c.devices),
	}
	w.measure(&d, since.Milliseconds(), rng)
	w.lie(&d, since.Milliseconds())
	if rng.Float64() < w.scenario.Bad {
		d.Flaw = flaws[rng.IntN(len(flaws))].name
	}
	return d
}

// measure draws the pulses of a run at t ms since the scenario's start. A run draws its last mile once, so that both paths
// share it; every pulse draws its own noise. A pulse that fails loses the connection: the next one opens another.
//
// What a fault alone needs is drawn only where it holds: a world without it draws the same as before there was such a fault.
func (w *World) measure(d *Drawn, t int64, rng *rand.Rand) {
	p := &w.populations[d.Population]
	now := w.conditions(p, t)
	lastMile := float64(p.lastMile.sample(rng) * now.lastMile)
	for path := range d.Pulses {
		legs := now.legs
		if s := now.splits[path]; s.share > 0 && rng.Float64() < s.share {
			legs = legs.toNearEnd(path, s.factor)
		}
		class := NewConnection
		for i := range d.Pulses[path] {
			pulse := &d.Pulses[path][i]
			*pulse = w.request(path, class, compose(legs, path, class, lastMile), &now, rng)
			class = ReusedConnection
			if pulse.Status == 0 {
				class = NewConnection
			}
		}
	}
}

// request draws what becomes of a request that takes r without noise.
func (w *World) request(path int, class Class, r request, now *conditions, rng *rand.Rand) Pulse {
	factor, luck := w.noise.sample(rng), rng.Float64()
	factor = float64(factor * drawTail(&now.tails[path], rng))
	r = request{float64(r.tcp * factor), float64(r.tls * factor), float64(r.wait * factor)}
	p := Pulse{Class: class, Status: 200, TCP: micros(r.tcp), TLS: micros(r.tls), Wait: max(1, micros(r.wait))}
	down := now.down[path]
	switch timeout := max(w.timeouts, down.timeout); {
	case luck < timeout || r.total() >= timeoutMs:
		p.Status = 0
	case luck < timeout+down.gateway:
		p.Status = 504
	}
	return p
}

// drawTail returns the factor of the tail that hits a request, 1 if none does.
func drawTail(tails *[maxTails]chance, rng *rand.Rand) float64 {
	if *tails == ([maxTails]chance{}) {
		return 1
	}
	luck := rng.Float64()
	for _, t := range tails {
		if luck -= t.share; luck < 0 {
			return t.factor
		}
	}
	return 1
}

// micros turns ms into whole µs: all that a report says, and enough to be the same on every platform.
func micros(ms float64) int64 { return int64(float64(ms*1000) + 0.5) }
