package world

import (
	"math"
	"testing"
)

// Scattered resolvers are the declared share of those that are made up; they keep the AS of their block and lie in another
// city, where the paths compare unlike.
func TestScatter(t *testing.T) {
	scenario := func(scatter float64) *World {
		return build(t, func(s *Scenario) { s.Resolvers, s.Scatter = 20_000, scatter })
	}
	for _, share := range []float64{0, 0.5} {
		w := scenario(share)
		blocks := map[[3]byte][]*Resolver{}
		for i := range w.resolvers {
			if r := &w.resolvers[i]; r.Addr.Is4() && r.Addr.As4()[0] == 10 {
				a := r.Addr.As4()
				blocks[[3]byte(a[:3])] = append(blocks[[3]byte(a[:3])], r)
			}
		}
		var mixedUp, apart float64
		for _, b := range blocks {
			least, most := math.Inf(1), 0.0
			for _, r := range b {
				if r.ASN != b[0].ASN || r.Country != b[0].Country {
					t.Fatalf("neighbours %+v and %+v", r, b[0])
				}
				ratio := w.populations[r.Populations[0].Population].ratio()
				least, most = min(least, ratio), max(most, ratio)
			}
			if most > least {
				mixedUp += 1 / float64(len(blocks))
			}
			if most > 1.2*least {
				apart += 1 / float64(len(blocks))
			}
		}
		t.Logf("scatter %v: %.3f of the blocks are mixed, %.3f by more than 1.2", share, mixedUp, apart)
		if share == 0 && mixedUp > 0 || share > 0 && (mixedUp < 0.95 || apart < 0.8) {
			t.Errorf("scatter %v: %v of the blocks are mixed, %v by more than 1.2", share, mixedUp, apart)
		}
	}
}
