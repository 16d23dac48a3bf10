package world

import "math/rand/v2"

// noise is the distribution of HTTP's multiplicative noise: factors at equally spaced quantiles, the median being 1.
type noise struct{ factors []float64 }

// scaled returns the distribution with its distance from 1 multiplied by f: 0 is none, 1 as measured.
func (n noise) scaled(f float64) noise {
	out := make([]float64, len(n.factors))
	for i, v := range n.factors {
		out[i] = 1 + float64(f*(v-1))
	}
	return noise{out}
}

// sample draws a factor, linear between quantiles.
func (n noise) sample(r *rand.Rand) float64 {
	at := float64(r.Float64() * float64(len(n.factors)-1))
	i := int(at)
	return lerp(n.factors[i], n.factors[i+1], at-float64(i))
}

// mean is the exact expectation of sample.
func (n noise) mean() float64 {
	var sum float64
	for i := range len(n.factors) - 1 {
		sum += float64((n.factors[i] + n.factors[i+1]) / 2)
	}
	return sum / float64(len(n.factors)-1)
}

// lerp is written so that no compiler fuses it: equal on every platform.
func lerp(a, b, f float64) float64 { return a + float64(f*(b-a)) }
