package decide

import "math"

// Quantiles of Student's t and of the normal distribution at any confidence, from arithmetic and square roots alone:
// the distribution functions by series, turned around by bisection. The confidence is one-sided, in ppm, at least a half.

// students holds t quantiles by degrees of freedom at one confidence, as they are asked for.
type students struct {
	confidence float64
	known      [maxFreedom + 1]float64
}

// maxFreedom is from where on the quantile of fewer degrees is used, 1 % too large at most: t is near normal there.
const maxFreedom = 200

// at sets the confidence.
func (s *students) at(ppm int) { *s = students{confidence: float64(ppm) / 1e6} }

// quantile returns the value that t with the given degrees of freedom, at least 1, stays below with the confidence.
func (s *students) quantile(freedom uint64) float64 {
	f := int(min(freedom, maxFreedom))
	if s.known[f] == 0 {
		s.known[f] = bisect(s.confidence, func(t float64) float64 { return studentBelow(t, f) })
	}
	return s.known[f]
}

// normal returns the standard normal quantile.
func normal(ppm int) float64 { return bisect(float64(ppm)/1e6, normalBelow) }

// bisect returns the x in [0, 2^13] at which the increasing function below reaches p.
func bisect(p float64, below func(float64) float64) float64 {
	low, high := 0.0, 8192.0 // t with one degree is 3183 at the highest confidence that a policy may ask for
	for range 64 {
		if middle := (low + high) / 2; below(middle) < p {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// studentBelow is the distribution function of t for t >= 0: Abramowitz and Stegun, Handbook of Mathematical Functions,
// 26.7.3 and 26.7.4, with tan θ = t/√freedom.
func studentBelow(t float64, freedom int) float64 {
	f := float64(freedom)
	square := f / (f + float64(t*t)) // cos² θ
	sine := t / math.Sqrt(f+float64(t*t))
	sum, term := 0.0, 1.0
	if freedom%2 == 0 {
		for k := 1; k < freedom; k += 2 { // 1 + 1/2 cos² + (1·3)/(2·4) cos⁴ + …
			sum += term
			term = float64(term * (float64(k) / float64(k+1) * square))
		}
		return 0.5 + float64(sine*sum)/2
	}
	term = math.Sqrt(square)
	for k := 2; k < freedom; k += 2 { // cos + 2/3 cos³ + (2·4)/(3·5) cos⁵ + …
		sum += term
		term = float64(term * (float64(k) / float64(k+1) * square))
	}
	return 0.5 + (arctan(t/math.Sqrt(f))+float64(sine*sum))/math.Pi
}

// arctan is the angle of a tangent x >= 0, by halving the angle until its series is short.
func arctan(x float64) float64 {
	const halvings = 4
	for range halvings {
		x /= 1 + math.Sqrt(1+float64(x*x))
	}
	sum, power := 0.0, x
	for k := 1; k < 30; k += 4 {
		sum += power / float64(k)
		power *= x * x
		sum -= power / float64(k+2)
		power *= x * x
	}
	return float64(sum * (1 << halvings))
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
