package decide

import (
	"math"

	"detour/decide/posterior"
	"detour/schemas/decision"
	"detour/schemas/sample"
)

// belief is what a decision's numbers tell of the mix's ratio, as a normal distribution: enough to say about how much
// evidence is missing, which is all that it is used for.
type belief struct {
	mean, spread float64 // octaves
	weight       float64 // runs that it rests on
	slow         float64 // octaves: from here on a client counts as slower
}

// belief returns nil where the numbers do not make one.
func (e *Explainer) belief(d *decision.Decision) *belief {
	if e.Policy == nil || d.Direct == 0 {
		return nil
	}
	harm := &e.Policy.Harm
	b := &belief{mean: octaves(d.Ratio), weight: float64(d.OwnRuns+d.GroupRuns) / decision.RunsOne}
	b.slow = posterior.Log2(1 + max(float64(harm.RatioPPM)/1e6, float64(harm.Micros)/float64(d.Direct)))
	if b.weight == 0 {
		b.weight = float64(d.Runs)
	}
	if b.spread = e.spread(d, b); b.spread <= 0 || b.weight == 0 {
		return nil
	}
	return b
}

// spread is the deviation at which the share beyond slow is the decision's harm, since what is asked is where that
// share meets its limit; where harm is too near to none or a half to tell, the one at which the bounds are the
// decision's.
func (e *Explainer) spread(d *decision.Decision, b *belief) float64 {
	if d.Harm >= 10 && d.Harm < 400_000 && b.mean < b.slow {
		return (b.slow - b.mean) / normal(1e6-int(d.Harm))
	}
	z := normal(e.Policy.Latency.ConfidencePPM)
	if z <= 0 || d.RatioUpper <= d.RatioLower || d.RatioLower == 0 {
		return 0
	}
	return octaves(d.RatioUpper-d.RatioLower) / (2 * z)
}

// allowed returns the mean at which the harm is as large as limit, in ppm.
func (b *belief) allowed(limit uint32) float64 {
	return b.slow - float64(b.tail(limit)*b.spread)
}

// atMost returns the mean at which the harm is at most limit, and the gain at least a share of the time; both in ppm.
func (b *belief) atMost(limit uint32, gain int) float64 {
	return min(b.allowed(limit), posterior.Log2(1-float64(min(gain, 999_999))/1e6))
}

// tail is how many deviations a share lies beyond.
func (b *belief) tail(ppm uint32) float64 {
	if ppm >= 500_000 {
		return 0
	}
	return normal(1e6 - int(ppm))
}

// maxMore is the most runs that are worth telling of.
const maxMore = 100_000

// runs returns how many more runs, that say what the resolver's own said so far, bring the harm to its limit: the mean
// moves towards theirs by weight, and the deviation falls with the square root of all that it rests on. False = more than
// maxMore, or none ever.
func (b *belief) runs(d *decision.Decision) (uint32, bool) {
	own := b.mean
	if d.OwnRuns > 0 {
		own = octaves(d.OwnRatio)
	}
	tail := b.tail(d.HarmLimit)
	enough := func(more float64) bool {
		all := b.weight + more
		mean := (float64(b.weight*b.mean) + float64(more*own)) / all
		return b.slow-mean >= float64(tail*b.spread*math.Sqrt(b.weight/all))
	}
	if own >= b.slow || !enough(maxMore) {
		return 0, false
	}
	low, high := 0, maxMore // not enough, enough
	for high-low > 1 {
		if middle := (low + high) / 2; enough(float64(middle)) {
			high = middle
		} else {
			low = middle
		}
	}
	return about(uint32(high)), true
}

// about keeps two digits of a number, rounded up.
func about(n uint32) uint32 {
	step := uint32(1)
	for n > 100*step {
		step *= 10
	}
	return (n + step - 1) / step * step
}

// octaves returns a ratio of 1/sample.RatioOne octaves in octaves.
func octaves(ratio int32) float64 { return float64(ratio) / sample.RatioOne }
