package world

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The limited expectation of the noise is what summing over a fine grid of its quantiles gives.
func TestLimitedNoise(t *testing.T) {
	w := build(t, nil)
	flat := w.noise.scaled(0)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]*noise{&w.noise, &flat}).Draw(t, "noise")
		top := rapid.Float64Range(0.0005, 40).Draw(t, "top")
		limit := rapid.Float64Range(0.0005, 40).Draw(t, "limit")
		const cells = 200_000
		var sum, share float64
		for i := range cells {
			at := (float64(i) + 0.5) / cells * float64(len(n.factors)-1)
			f := lerp(n.factors[int(at)], n.factors[int(at)+1], at-math.Floor(at))
			if f < limit {
				sum += min(f, top) / cells
				share += 1.0 / cells
			}
		}
		gotSum, gotShare := n.limited(top, limit)
		if math.Abs(gotShare-share) > 2.0/cells || math.Abs(gotSum-sum) > 2*16.0/cells {
			t.Fatalf("limited(%v, %v) = %v, %v, by a grid %v, %v", top, limit, gotSum, gotShare, sum, share)
		}
	})
}

// stormy has faults of every kind that changes what a request takes, all at once.
func stormy(s *Scenario) {
	s.Bad = 0
	s.Faults = []Fault{
		{Kind: Congestion, Region: "Dublin", Factor: 30}, // so long that clients give up
		{Kind: Congestion, Country: "BR", Factor: 6},
		{Kind: Congestion, Edge: "Helsinki", Factor: 3, Peak: time.Hour, Width: 2 * time.Hour},
		{Kind: Route, City: "San Antonio", Path: "proxy", Factor: 4},
		{Kind: Split, Path: "proxy", Share: 0.4, Factor: 5},
		{Kind: Tail, Share: 0.1, Factor: 7},
		{Kind: Tail, Path: "direct", Share: 0.02, Factor: 40},
		{Kind: Outage, Country: "TR", Share: 0.3},
		{Kind: Outage, Region: "Seattle", Share: 0.2},
	}
}

// The expectation over noise, last mile, tails and splits is what drawing each of them many times averages to.
func TestTrueLatencyAtAgainstDraws(t *testing.T) {
	w := build(t, stormy)
	rng := rand.New(rand.NewPCG(1, 2))
	at := w.scenario.Start.UnixMilli() + 40*60_000
	for _, city := range []string{"Brasilia", "Kiev", "St Petersburg", "San Antonio", "Hangzhou", "Ankara"} {
		p := populationOf(t, w, city)
		now := w.conditionsAt(p, at)
		for path := range PathCount {
			for class := range classCount {
				mean, failed, tolerance := drawLatency(w, p, path, class, &now, rng)
				got := w.TrueLatencyAt(p, path, class, at)
				t.Logf("%s, path %d, class %d: %.2f ms, drawn %.2f +- %.2f", city, path, class, got, mean, tolerance)
				if math.Abs(got-mean) > tolerance {
					t.Errorf("%s, path %d, class %d: %v ms, drawn %v +- %v", city, path, class, got, mean, tolerance)
				}
				_, share := w.expect(p, path, class, &now)
				if got := w.failures(path, &now, share); math.Abs(got-failed) > 0.005 {
					t.Errorf("%s, path %d, class %d: %v fail, drawn %v", city, path, class, got, failed)
				}
			}
		}
	}
}

// drawLatency does what a probe does, often, and averages what it sees; the tolerance is four standard errors.
func drawLatency(w *World, p, path int, class Class, now *conditions, rng *rand.Rand) (mean, failed, tolerance float64) {
	const tries = 150_000
	most := LatencyCap * w.Typical(p, class)
	var n, sum, squares float64
	for range tries {
		legs := now.legs
		if rng.Float64() < now.splits[path].share {
			legs = legs.toNearEnd(path, now.splits[path].factor)
		}
		lastMile := w.populations[p].lastMile.sample(rng) * now.lastMile
		pulse := w.request(path, class, compose(legs, path, class, lastMile), now, rng)
		if pulse.Status != 200 {
			failed += 1.0 / tries
			continue
		}
		ms := min(float64(pulse.Micros())/1000, most)
		n, sum, squares = n+1, sum+ms, squares+ms*ms
	}
	mean = sum / n
	return mean, failed, 4 * math.Sqrt((squares/n-mean*mean)/n)
}

// Without faults the truth over time is the timeless one but for the cap, which takes off what is beyond it: little of a path
// that takes about as long as the direct one.
func TestCalmTruth(t *testing.T) {
	w := build(t, nil)
	for p, truths := range w.TruthsAt(w.End()) {
		for path, now := range truths {
			calm := w.truth[p][path]
			for _, c := range [][2]float64{{now.New, calm.fresh}, {now.Reused, calm.reused}} {
				near := calm.mixed < 1.2*w.truth[p][Direct].mixed
				if c[0] > c[1]+1e-9 || near && c[0] < 0.8*c[1] {
					t.Errorf("%s, path %d: %v ms, timeless %v", w.populations[p].City, path, c[0], c[1])
				}
			}
			if now.Failures < w.timeouts-1e-12 || now.Failures > w.timeouts+0.01 {
				t.Errorf("%s, path %d: %v fail, want %v", w.populations[p].City, path, now.Failures, w.timeouts)
			}
		}
	}
}

// By hand, without noise: what is congested beyond the cap counts as the cap, and beyond 20 s as a failure.
func TestCapAndPatience(t *testing.T) {
	w := build(t, func(s *Scenario) {
		s.Noise = 0
		s.Faults = []Fault{
			{Kind: Congestion, Country: "BR", To: time.Minute, Factor: 20},
			{Kind: Congestion, Country: "BR", From: 2 * time.Minute, To: 3 * time.Minute, Factor: 1000},
		}
	})
	p, start := populationOf(t, w, "Brasilia"), w.scenario.Start.UnixMilli()
	most := LatencyCap * w.Typical(p, ReusedConnection)
	if got := w.TrueLatencyAt(p, Direct, ReusedConnection, start); got >= most || got < 2*w.TrueLatency(p, Direct, ReusedConnection) {
		t.Errorf("with 20 last miles: %v ms of at most %v", got, most)
	}
	if got := w.FailureShare(p, Direct, start); got > 1e-12 {
		t.Errorf("with 20 last miles %v fail", got)
	}
	if got := w.FailureShare(p, Direct, start+150_000); got < 0.2 || got > 0.9 {
		t.Errorf("with 1000 last miles %v fail", got)
	}
	if got := w.TrueLatencyAt(p, Direct, ReusedConnection, start+90_000); math.Abs(got-w.TrueLatency(p, Direct, ReusedConnection)) > 1e-9 {
		t.Errorf("between: %v ms", got)
	}
}

func populationOf(t *testing.T, w *World, city string) int {
	t.Helper()
	for i := range w.populations {
		if w.populations[i].City == city {
			return i
		}
	}
	t.Fatalf("no clients in %s", city)
	return 0
}

func BenchmarkTruthsAt(b *testing.B) {
	w := build(b, stormy)
	for b.Loop() {
		w.TruthsAt(w.End() - 1)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(w.populations)*PathCount), "us/path")
}
