package world

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestMeanOfCappedNoise compares with a sum over a fine grid of ranks.
func TestMeanOfCappedNoise(t *testing.T) {
	for _, scale := range []float64{0, 0.3, 1, 2.5} {
		f, err := Noise(scale)
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []float64{0.0001, 0.5, 1, 1.2, 3, 15.9, 16, 1000} {
			const n = 200_000
			var sum float64
			for i := range n {
				at := (float64(i) + 0.5) / n * float64(len(f.noise.factors)-1)
				k := int(at)
				sum += min(limit, lerp(f.noise.factors[k], f.noise.factors[k+1], at-float64(k)))
			}
			if got, want := f.Mean(limit), sum/n; math.Abs(got-want) > 1e-4*want {
				t.Errorf("noise %g: mean below %g is %g, summed up %g", scale, limit, got, want)
			}
		}
	}
}

func TestFactorsAreTheWorlds(t *testing.T) {
	f, err := Noise(1)
	if err != nil {
		t.Fatal(err)
	}
	d, err := measured()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Mean(math.Inf(1)), d.noise.mean(); math.Abs(got-want) > 1e-9 || f.Timeouts() != d.timeouts {
		t.Errorf("mean %g and time-outs %g, the world's are %g and %g", got, f.Timeouts(), want, d.timeouts)
	}
	a, b := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(1, 2))
	for range 100 {
		if got, want := f.Sample(a), d.noise.sample(b); got != want {
			t.Fatalf("drew %g, the world %g", got, want)
		}
	}
}

func TestNoiseOutOfRange(t *testing.T) {
	for _, scale := range []float64{-0.1, MaxNoise + 0.1, math.NaN(), math.Inf(1)} {
		if _, err := Noise(scale); err == nil {
			t.Errorf("noise %g is taken", scale)
		}
	}
}
