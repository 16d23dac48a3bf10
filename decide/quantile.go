package decide

import "math"

// Quantiles of the normal distribution at any confidence, from arithmetic and square roots alone: the distribution function
// by its series, turned around by bisection. The confidence is one-sided, in ppm, at least a half.

// normal returns the standard normal quantile.
func normal(ppm int) float64 { return bisect(float64(ppm)/1e6, normalBelow) }

// bisect returns the x in [0, 2^13] at which the increasing function below reaches p.
func bisect(p float64, below func(float64) float64) float64 {
	low, high := 0.0, 8192.0
	for range 64 {
		if middle := (low + high) / 2; below(middle) < p {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// normalBelow is the normal distribution function for x >= 0: the series of the error function, Abramowitz and Stegun
// 7.1.5. Beyond 6 it is 1 as far as a policy can ask.
func normalBelow(x float64) float64 {
	if x > 6 {
		return 1
	}
	half := x * x / 2
	sum, term := 0.0, x
	for n := 0; n < 120; n++ {
		sum += term / float64(2*n+1)
		term *= -half / float64(n+1)
	}
	return 0.5 + sum/math.Sqrt(2*math.Pi)
}
