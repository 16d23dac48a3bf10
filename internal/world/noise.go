package world

import (
	"math/rand/v2"
	"sort"
)

// noise is the distribution of HTTP's multiplicative noise: factors at equally spaced quantiles, the median being 1.
type noise struct {
	factors []float64 // ascending
	below   []float64 // integral of the quantile function from 0 to each of them
}

// scaled returns the distribution with its distance from 1 multiplied by f: 0 is none, 1 as measured.
func (n noise) scaled(f float64) noise {
	out := noise{make([]float64, len(n.factors)), make([]float64, len(n.factors))}
	for i, v := range n.factors {
		out.factors[i] = 1 + float64(f*(v-1))
	}
	for i := 1; i < len(out.factors); i++ {
		out.below[i] = out.below[i-1] + (out.factors[i-1]+out.factors[i])/2/float64(len(out.factors)-1)
	}
	return out
}

// sample draws a factor, linear between quantiles.
func (n *noise) sample(r *rand.Rand) float64 {
	at := float64(r.Float64() * float64(len(n.factors)-1))
	i := int(at)
	return lerp(n.factors[i], n.factors[i+1], at-float64(i))
}

// mean is the exact expectation of sample.
func (n *noise) mean() float64 {
	var sum float64
	for i := range len(n.factors) - 1 {
		sum += float64((n.factors[i] + n.factors[i+1]) / 2)
	}
	return sum / float64(len(n.factors)-1)
}

// limited returns the exact expectations for a factor F: share = P(F < limit) and sum = E(min(F, top); F < limit), whose
// quotient is the mean of F below the limit, none of it counted as more than top.
//
// With the quantile function Q and c = min(Q^-1(top), Q^-1(limit)), sum is the integral of Q up to c and top from there to
// the limit's rank. Q is linear between its knots, so that each integral is a sum of trapezoids.
func (n *noise) limited(top, limit float64) (sum, share float64) {
	share = n.rank(limit)
	capped := min(n.rank(top), share)
	return n.integral(capped) + float64(top*(share-capped)), share
}

// rank returns the probability of a factor below f.
func (n *noise) rank(f float64) float64 {
	i := sort.SearchFloat64s(n.factors, f)
	switch i {
	case 0:
		return 0
	case len(n.factors):
		return 1
	}
	within := (f - n.factors[i-1]) / (n.factors[i] - n.factors[i-1])
	return (float64(i-1) + within) / float64(len(n.factors)-1)
}

// integral returns that of the quantile function from 0 to u.
func (n *noise) integral(u float64) float64 {
	at := float64(u * float64(len(n.factors)-1))
	i := min(int(at), len(n.factors)-2)
	part := at - float64(i)
	end := lerp(n.factors[i], n.factors[i+1], part)
	return n.below[i] + float64((n.factors[i]+end)/2*part)/float64(len(n.factors)-1)
}

// lerp is written so that no compiler fuses it: equal on every platform.
func lerp(a, b, f float64) float64 { return a + float64(f*(b-a)) }
