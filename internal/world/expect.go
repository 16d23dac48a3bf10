package world

// LatencyCap bounds what one request counts for in the truth over time: so many times the direct path's typical latency.
// Without it a rare request of many seconds would say more about a path than all others.
const LatencyCap = 16

// Truth is what a request of a population over a path can expect at one moment.
type Truth struct {
	New, Reused float64 // ms, of a successful request on a connection of the class, each capped
	Failures    float64 // share of requests that fail
}

// TrueLatencyAt returns the expected latency in ms of a successful request of a population over a path at a time in ms
// since the Unix epoch, connection set-up included, faults and tails too. Each request counts for at most LatencyCap times
// the typical latency of the direct path: that of the same class at median noise and mean last mile, without faults.
//
// While everything fails it is what a request would take if it succeeded. Lies don't change it.
func (w *World) TrueLatencyAt(population, path int, class Class, t int64) float64 {
	now := w.conditionsAt(population, t)
	sum, share := w.expect(population, path, class, &now)
	if share == 0 {
		return float64(LatencyCap * w.Typical(population, class)) // it takes longer than any client waits
	}
	return sum / share
}

// Typical returns the direct path's typical latency in ms, see TrueLatencyAt.
func (w *World) Typical(population int, class Class) float64 {
	p := &w.populations[population]
	return compose(p.legs, Direct, class, p.lastMile.mean()).total()
}

// FailureShare returns the share of requests of a population over a path that fail at a time in ms since the Unix epoch:
// those that meet an outage, that time out as measured, and that would take longer than a client waits. It is the mean over
// the pulses of a run that loses no connection, one new and two reused.
func (w *World) FailureShare(population, path int, t int64) float64 {
	now := w.conditionsAt(population, t)
	_, fresh := w.expect(population, path, NewConnection, &now)
	_, reused := w.expect(population, path, ReusedConnection, &now)
	return w.failures(path, &now, mixed(fresh, reused))
}

// failures returns the share that fails where inTime would have been answered in time.
func (w *World) failures(path int, now *conditions, inTime float64) float64 {
	down := now.down[path]
	return 1 - float64((1-min(1, max(w.timeouts, down.timeout)+down.gateway))*inTime)
}

// TruthsAt returns the truth at a time in ms since the Unix epoch, by population and path: TrueLatencyAt and FailureShare
// of everybody.
func (w *World) TruthsAt(t int64) [][PathCount]Truth {
	out := make([][PathCount]Truth, len(w.populations))
	for p := range out {
		for path := range out[p] {
			out[p][path] = Truth{
				New:      w.TrueLatencyAt(p, path, NewConnection, t),
				Reused:   w.TrueLatencyAt(p, path, ReusedConnection, t),
				Failures: w.FailureShare(p, path, t),
			}
		}
	}
	return out
}

func (w *World) conditionsAt(population int, t int64) conditions {
	return w.conditions(&w.populations[population], t-w.scenario.Start.UnixMilli())
}

// expect returns the share of requests that are answered in time, outages and measured time-outs apart, and what these
// take in ms, summed over that share.
func (w *World) expect(population, path int, class Class, now *conditions) (sum, share float64) {
	p := &w.populations[population]
	most := float64(LatencyCap * w.Typical(population, class))
	add := func(weight float64, legs legs) {
		p.lastMile.each(func(part, lastMile float64) {
			ms := compose(legs, path, class, float64(lastMile*now.lastMile)).total()
			eachTail(&now.tails[path], func(chance, factor float64) {
				one := float64(ms * factor)
				s, n := w.noise.limited(most/one, timeoutMs/one)
				sum += float64(weight * part * chance * one * s)
				share += float64(weight * part * chance * n)
			})
		})
	}
	split := now.splits[path]
	add(1-split.share, now.legs)
	if split.share > 0 {
		add(split.share, now.legs.toNearEnd(path, split.factor))
	}
	return sum, share
}

// eachTail calls f for each factor that a request may meet, with its probability.
func eachTail(tails *[maxTails]chance, f func(chance, factor float64)) {
	rest := 1.0
	for _, t := range tails {
		if t.share > 0 {
			f(t.share, t.factor)
			rest -= t.share
		}
	}
	f(rest, 1)
}
