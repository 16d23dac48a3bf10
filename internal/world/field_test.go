package world

import (
	"math"
	"slices"
	"testing"
)

// What is known of this topology from an independent computation: on the bare round trips (no last mile, no backbone),
// every client city counted once, 36 % are slower on new connections by proxy and 84 % on reused ones, with the
// quartiles -35, 22 and 51 % and the median -36 % (regions nearest by round trip), and 191 ms to the first byte always
// direct, 180 always by proxy, 129 at best.
func TestKnownFigures(t *testing.T) {
	w := build(t, func(s *Scenario) { s.Backbone = 1 })
	geographic := bareFigures(w, func(p *Population) float64 { return p.legs.direct })
	byRTT := bareFigures(w, func(p *Population) float64 {
		best := math.Inf(1)
		for _, r := range Regions {
			if ms, ok := w.topology.rtt(p.City, r); ok {
				best = min(best, ms)
			}
		}
		return best
	})
	t.Logf("%d cities, %d edges; region by geography: %v; by round trip: %v", len(w.populations), len(w.topology.edges), geographic, byRTT)
	want := map[string]struct{ value, tolerance float64 }{
		"slower new %": {36, 2}, "slower reused %": {84, 2}, "p50 new %": {22, 2}, "p75 new %": {51, 2}, "p50 reused %": {-36, 3},
		"p25 new %": {-35, 3}, "direct ms": {191, 4}, "proxy ms": {180, 4}, "oracle ms": {129, 3},
	}
	for name, k := range want {
		if got := byRTT[name]; math.Abs(got-k.value) > k.tolerance {
			t.Errorf("%s: %.1f, known %.0f within %.0f", name, got, k.value, k.tolerance)
		}
	}
	if got := geographic["slower new %"]; math.Abs(got-36) > 2 {
		t.Errorf("slower new by geography: %.1f %%, known 36", got)
	}
}

func bareFigures(w *World, direct func(*Population) float64) map[string]float64 {
	var fresh, reused []float64
	f := map[string]float64{}
	n := float64(len(w.populations))
	for i := range w.populations {
		p := &w.populations[i]
		legs := p.legs
		legs.direct = direct(p)
		d, x := compose(legs, Direct, NewConnection, 0).total(), compose(legs, Proxy, NewConnection, 0).total()
		dr, xr := compose(legs, Direct, ReusedConnection, 0).total(), compose(legs, Proxy, ReusedConnection, 0).total()
		fresh, reused = append(fresh, 100*(1-x/d)), append(reused, 100*(1-xr/dr))
		f["direct ms"] += d / n
		f["proxy ms"] += x / n
		f["oracle ms"] += min(d, x) / n
		if x > d {
			f["slower new %"] += 100 / n
		}
		if xr > dr {
			f["slower reused %"] += 100 / n
		}
	}
	slices.Sort(fresh)
	slices.Sort(reused)
	f["p25 new %"], f["p50 new %"], f["p75 new %"] = fresh[len(fresh)/4], fresh[len(fresh)/2], fresh[len(fresh)*3/4]
	f["p50 reused %"] = reused[len(reused)/2]
	return f
}
