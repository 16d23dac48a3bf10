package world

import (
	"math"
	"math/rand/v2"
	"testing"
)

// What the generated reports average to is the truth that the world claims, by path and class: each successful sample
// over its true expectation has the mean 1, within four standard errors.
func TestTruthIsWhatReportsAverageTo(t *testing.T) {
	w := build(t, func(s *Scenario) { s.Bad, s.Runs = 0, 30000 })
	var sums [PathCount][classCount]struct{ n, sum, squares float64 }
	for r := range w.Runs() {
		rep, c := decode(t, w, r)
		for path, target := range rep.Data {
			for _, p := range target.Data {
				if p.SC != 200 {
					continue
				}
				class, expected := ReusedConnection, w.truth[c.Population][path].reused
				if *p.TCP > 0 {
					class, expected = NewConnection, w.truth[c.Population][path].fresh
				}
				s, x := &sums[path][class], p.D/expected
				s.n, s.sum, s.squares = s.n+1, s.sum+x, s.squares+x*x
			}
		}
	}
	for path := range sums {
		for class, s := range sums[path] {
			mean := s.sum / s.n
			tolerance := 4 * math.Sqrt((s.squares/s.n-mean*mean)/s.n)
			t.Logf("%s, class %d: mean of sample / truth %.4f +- %.4f, n = %.0f", w.Paths()[path], class, mean, tolerance, s.n)
			if math.Abs(mean-1) > tolerance || tolerance > 0.1 {
				t.Errorf("%s, class %d: samples average to %.4f of the truth, want 1 +- %.4f", w.Paths()[path], class, mean, tolerance)
			}
		}
	}
}

// Time-outs are as frequent as measured.
func TestTimeoutsAsMeasured(t *testing.T) {
	w := build(t, func(s *Scenario) { s.Bad, s.Runs = 0, 20000 })
	n, lost := 0.0, 0.0
	for r := range w.Runs() {
		rep, _ := decode(t, w, r)
		for _, target := range rep.Data {
			for _, p := range target.Data {
				n++
				if p.SC == 0 {
					lost++
				}
			}
		}
	}
	if share := lost / n; math.Abs(share-w.timeouts) > 4*math.Sqrt(w.timeouts/n) {
		t.Errorf("%.4f of the requests timed out, measured %.4f", share, w.timeouts)
	}
}

// The closed forms of the means agree with sums over a fine grid.
func TestMeansOfDistributions(t *testing.T) {
	w := build(t, nil)
	rng := rand.New(rand.NewPCG(1, 1))
	const n = 400_000
	var factor, lastMile float64
	q := &w.populations[0].lastMile
	for range n {
		factor += w.noise.sample(rng) / n
		lastMile += q.sample(rng) / n
	}
	if math.Abs(factor/w.noise.mean()-1) > 0.02 {
		t.Errorf("noise averages to %v, mean says %v", factor, w.noise.mean())
	}
	if math.Abs(lastMile/q.mean()-1) > 0.02 {
		t.Errorf("last mile averages to %v, mean says %v", lastMile, q.mean())
	}
}

// By hand: 100 ms direct; 20 ms to the edge and 90 behind it; 10 ms last mile.
func TestCompose(t *testing.T) {
	l := legs{direct: 100, edge: 20, middle: 90}
	for _, c := range []struct {
		path  int
		class Class
		want  float64
	}{
		{Direct, NewConnection, 330},
		{Direct, ReusedConnection, 110},
		{Proxy, NewConnection, 180},
		{Proxy, ReusedConnection, 120},
	} {
		if got := compose(l, c.path, c.class, 10).total(); got != c.want {
			t.Errorf("path %d, class %d: %v ms, want %v", c.path, c.class, got, c.want)
		}
	}
}

func TestSlower(t *testing.T) {
	for _, c := range []struct {
		direct, chosen float64
		want           bool
	}{
		{100, 100, false},
		{100, 105, false},
		{100, 105.1, true},
		{10, 11.9, false}, // 19 %, but under 2 ms
		{10, 12.1, true},
		{100, 50, false},
	} {
		if got := Slower(c.direct, c.chosen); got != c.want {
			t.Errorf("Slower(%v, %v) = %v", c.direct, c.chosen, got)
		}
	}
}

// Without noise every report is the formula itself.
func TestNoNoise(t *testing.T) {
	w := build(t, func(s *Scenario) { s.Bad, s.Noise = 0, 0 })
	for _, r := range take(w.Runs(), 2000) {
		rep, c := decode(t, w, r)
		l := w.populations[c.Population].legs
		direct, proxy := rep.Data[Direct].Data, rep.Data[Proxy].Data
		lastMile := direct[1].D - l.direct
		if want := 3 * (l.direct + lastMile); math.Abs(direct[0].D-want) > 0.01 {
			t.Fatalf("new direct %v, want %v", direct[0].D, want)
		}
		if want := 3*(l.edge+lastMile) + l.middle; math.Abs(proxy[0].D-want) > 0.01 {
			t.Fatalf("new proxied %v, want %v: the paths of a run share the last mile", proxy[0].D, want)
		}
		if want := l.edge + lastMile + l.middle; math.Abs(proxy[2].D-want) > 0.01 {
			t.Fatalf("reused proxied %v, want %v", proxy[2].D, want)
		}
	}
}
