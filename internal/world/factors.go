package world

import (
	"fmt"
	"math/rand/v2"
	"sort"
)

// Factors is what the time of a request is multiplied by, and how often there is no answer: the noise of every world, for
// whoever has latencies of his own to apply it to.
type Factors struct {
	noise    noise
	sums     []float64 // of the means between quantiles, below each
	timeouts float64
}

// MaxNoise is how far noise can be scaled.
const MaxNoise = 4

// least is the smallest factor: noise beyond 1 would turn time around.
const least = 0.001

// Noise returns the noise as measured, its distance from none multiplied by scale: 0 to MaxNoise.
func Noise(scale float64) (*Factors, error) {
	if !(scale >= 0 && scale <= MaxNoise) {
		return nil, fmt.Errorf("noise: %g is not between 0 and %d", scale, MaxNoise)
	}
	d, err := measured()
	if err != nil {
		return nil, err
	}
	f := &Factors{noise: d.noise.scaled(scale), timeouts: float64(d.timeouts * scale)}
	for i, v := range f.noise.factors {
		f.noise.factors[i] = max(v, least)
	}
	var sum float64
	for i := range len(f.noise.factors) - 1 {
		f.sums = append(f.sums, sum)
		sum += float64((f.noise.factors[i] + f.noise.factors[i+1]) / 2)
	}
	f.sums = append(f.sums, sum)
	return f, nil
}

// Sample draws a factor.
func (f *Factors) Sample(r *rand.Rand) float64 { return f.noise.sample(r) }

// Timeouts is the share of requests without an answer.
func (f *Factors) Timeouts() float64 { return f.timeouts }

// Mean is the exact expectation of the lesser of Sample and limit.
func (f *Factors) Mean(limit float64) float64 {
	q := f.noise.factors
	i := sort.SearchFloat64s(q, limit) - 1 // the last quantile below limit
	if i < 0 {
		return limit
	}
	last := len(q) - 1
	if i == last {
		return f.sums[last] / float64(last)
	}
	below := (limit - q[i]) / (q[i+1] - q[i])
	sum := f.sums[i] + float64(below*(q[i]+limit)/2) + float64((1-below)*limit) + float64(limit*float64(last-i-1))
	return sum / float64(last)
}
