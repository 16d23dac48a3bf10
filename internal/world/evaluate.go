package world

import (
	"cmp"
	"net/netip"
	"slices"
)

// Assignment says which path (index in World.Paths) the users of a resolver are sent over.
type Assignment func(resolver netip.Addr) int

// Always sends everybody over one path.
func Always(path int) Assignment { return func(netip.Addr) int { return path } }

// Outcome is what an assignment makes of the world's users, in true expected latencies outside faults. Shares and
// accelerations are fractions; acceleration is (direct - chosen) / direct.
type Outcome struct {
	ViaProxy        float64 // share of users
	SlowerUsers     float64 // share of users made slower (Slower) on the mix of a run's pulses
	SlowerResolvers float64 // share of resolvers whose users' mean is made slower so
	SlowerNew       float64 // share of users slower at all on new connections
	SlowerReused    float64 // the same on reused ones
	MedianNew       float64 // median user's acceleration on new connections
	MedianReused    float64
	MovedNew        float64 // the same over the users that are not on the direct path; 0 if there are none
	MovedReused     float64
	MeanMs          float64 // mean latency over users, on the mix
	Gain            float64 // share of the oracle's saving of mean latency
}

// Evaluation compares an assignment with the ones that need no measurement, and with one that knows the truth.
type Evaluation struct {
	AllDirect, AllProxy, Map Outcome
	Oracle                   Outcome // the best single path per resolver, by its users' mean latency
}

// Evaluate judges an assignment against the truth.
func (w *World) Evaluate(assign Assignment) Evaluation {
	e := Evaluation{
		AllDirect: w.outcome(Always(Direct)),
		AllProxy:  w.outcome(Always(Proxy)),
		Map:       w.outcome(assign),
		Oracle:    w.outcome(w.Oracle()),
	}
	for _, o := range []*Outcome{&e.AllDirect, &e.AllProxy, &e.Map, &e.Oracle} {
		if best := e.AllDirect.MeanMs - e.Oracle.MeanMs; best > 0 {
			o.Gain = (e.AllDirect.MeanMs - o.MeanMs) / best
		}
	}
	return e
}

// Oracle returns the assignment of each resolver to the path with the least mean latency over its users.
func (w *World) Oracle() Assignment {
	return func(addr netip.Addr) int {
		if r, ok := w.Resolver(addr); ok && r.mean(w.truth, Proxy) < r.mean(w.truth, Direct) {
			return Proxy
		}
		return Direct
	}
}

// truths are the true latencies of one population over one path, in ms.
type truths struct{ fresh, reused, mixed float64 }

// tabulate returns the true latencies, by population and path.
func (w *World) tabulate() [][PathCount]truths {
	out := make([][PathCount]truths, len(w.populations))
	for p := range out {
		for path := range out[p] {
			fresh, reused := w.TrueLatency(p, path, NewConnection), w.TrueLatency(p, path, ReusedConnection)
			out[p][path] = truths{fresh, reused, mixed(fresh, reused)}
		}
	}
	return out
}

// mean returns the mean latency of a resolver's users over a path, in ms; 0 without users.
func (r *Resolver) mean(truth [][PathCount]truths, path int) float64 {
	if r.Weight == 0 {
		return 0
	}
	var sum float64
	for _, s := range r.Populations {
		sum += float64(s.Weight * truth[s.Population][path].mixed)
	}
	return sum / r.Weight
}

func (w *World) outcome(assign Assignment) Outcome {
	truth := w.truth
	var o Outcome
	var fresh, reused, movedFresh, movedReused []weighted
	count := func(share *float64, weight float64, yes bool) {
		if yes {
			*share += weight
		}
	}
	for i := range w.resolvers {
		r := &w.resolvers[i]
		path := assign(r.Addr)
		count(&o.SlowerResolvers, 1/float64(len(w.resolvers)), Slower(r.mean(truth, Direct), r.mean(truth, path)))
		for _, s := range r.Populations {
			direct, chosen := truth[s.Population][Direct], truth[s.Population][path]
			count(&o.ViaProxy, s.Weight, path == Proxy)
			count(&o.SlowerUsers, s.Weight, Slower(direct.mixed, chosen.mixed))
			count(&o.SlowerNew, s.Weight, chosen.fresh > direct.fresh)
			count(&o.SlowerReused, s.Weight, chosen.reused > direct.reused)
			o.MeanMs += float64(s.Weight * chosen.mixed)
			gainNew := weighted{1 - chosen.fresh/direct.fresh, s.Weight}
			gainReused := weighted{1 - chosen.reused/direct.reused, s.Weight}
			fresh, reused = append(fresh, gainNew), append(reused, gainReused)
			if path != Direct {
				movedFresh, movedReused = append(movedFresh, gainNew), append(movedReused, gainReused)
			}
		}
	}
	o.MedianNew, o.MedianReused = median(fresh), median(reused)
	o.MovedNew, o.MovedReused = median(movedFresh), median(movedReused)
	return o
}

// weighted is a value of a share of the users.
type weighted struct{ value, weight float64 }

// median returns the least value that at least half of the weight does not exceed. It reorders its argument.
func median(of []weighted) float64 {
	slices.SortFunc(of, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	var total, sum float64
	for _, v := range of {
		total += v.weight
	}
	for _, v := range of {
		if sum += v.weight; sum >= total/2 {
			return v.value
		}
	}
	return 0
}
