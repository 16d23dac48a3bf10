package evaluate

import (
	"math"
	"slices"
)

// baseline is a rule that anybody would try first. It is asked for a resolver's path whenever there is new evidence of
// it, or old evidence has left; it takes no notice of failures.
type baseline struct {
	name   string
	choose func(*seen) uint8
}

// What the baselines that weigh their evidence ask for.
const (
	manyRuns = 30 // requests of a class on a path
	fewRuns  = 3  // pairs of a class
)

// baselines, besides the ones that know the truth:
//
//	raw_median      medians of all requests by path and class, combined on the mix: the lowest, if only by a hair
//	median_30       the same where every median is of 30 requests or more, else direct
//	bound_30        the same, and the difference of the medians is below 0 at 95 %, one-sided; a median's standard error
//	                is from its order statistics (R. M. Price, D. G. Bonett, Estimating the variance of the sample median, 2001)
//	paired          mean log-ratio of the pairs by class, from 3 runs, below 0 at 95 % by Student's t, one-sided: all of a
//	                resolver's users together, and nothing learnt from other resolvers
//	rolling_median  the median of the last ten runs by path, each on the mix
//	last_value      the last run by path
//	always_direct, always_proxy (the first proxy of the catalogue)
func baselines() []baseline {
	return []baseline{
		{"raw_median", func(s *seen) uint8 { return byMedian(s, 1, false) }},
		{"median_30", func(s *seen) uint8 { return byMedian(s, manyRuns, false) }},
		{"bound_30", func(s *seen) uint8 { return byMedian(s, manyRuns, true) }},
		{"paired", byPairs},
		{"rolling_median", func(s *seen) uint8 { return byRuns(s, recent) }},
		{"last_value", func(s *seen) uint8 { return byRuns(s, 1) }},
		{"always_direct", func(*seen) uint8 { return 0 }},
		{"always_proxy", func(*seen) uint8 { return 1 }},
	}
}

// lowest returns the path with the lowest cost, the default one unless another is lower. NaN is a path that can't be told.
func lowest(paths int, cost func(path int) float64) (best uint8) {
	least := cost(0)
	if math.IsNaN(least) {
		return 0
	}
	for path := 1; path < paths; path++ {
		if c := cost(path); c < least {
			best, least = uint8(path), c
		}
	}
	return best
}

func byMedian(s *seen, atLeast int, bound bool) uint8 {
	if !s.paths[0].has(atLeast) {
		return 0
	}
	return lowest(len(s.paths), func(path int) float64 {
		p := &s.paths[path]
		if !p.has(atLeast) || path > 0 && bound && !credibly(p, &s.paths[0]) {
			return math.NaN()
		}
		return p.medians()
	})
}

// has says whether there are n requests of each class.
func (p *onePath) has(n int) bool { return len(p.latency[fresh]) >= n && len(p.latency[reused]) >= n }

func (p *onePath) medians() float64 {
	return onMix(p.latency[fresh].median(), p.latency[reused].median())
}

// credibly says whether the candidate's median on the mix is below the default path's, at 95 %.
func credibly(candidate, usual *onePath) bool {
	difference := candidate.medians() - usual.medians()
	var variance float64
	for class, weight := range mix {
		for _, p := range []*onePath{candidate, usual} {
			e := weight * p.latency[class].standardError()
			variance += e * e
		}
	}
	return difference+normal95*math.Sqrt(variance) < 0
}

// normal95 is the normal quantile at 95 %.
const normal95 = 1.6448536269514722

// standardError of the median, from the order statistics that bound it: each tail beyond them has the probability of a
// normal one beyond z = 2, about.
func (s sorted) standardError() float64 {
	const z = 2
	n := float64(len(s))
	low := int(max(0, math.Floor((n-z*math.Sqrt(n))/2)))
	return float64(s[len(s)-1-low]-s[low]) / (2 * z)
}

func byPairs(s *seen) uint8 {
	usual := &s.paths[0]
	if !usual.has(1) {
		return 0
	}
	var direct [mixed]float64 // what is waited of each class
	for class, weight := range mix {
		direct[class] = weight * usual.latency[class].median()
	}
	before := direct[fresh] + direct[reused]
	return lowest(len(s.paths), func(path int) float64 {
		if path == 0 {
			return before
		}
		var mean, upper float64
		for class := range direct {
			m := &s.paths[path].ratios[class]
			if m.n < fewRuns {
				return math.NaN()
			}
			bound := m.mean() + student95(m.n-1)*m.deviation()/math.Sqrt(float64(m.n))
			mean += direct[class] * math.Exp2(m.mean())
			upper += direct[class] * math.Exp2(bound)
		}
		if upper >= before {
			return math.NaN()
		}
		return mean
	})
}

func byRuns(s *seen, last int) uint8 {
	return lowest(len(s.paths), func(path int) float64 {
		runs := s.paths[path].runs
		if len(runs) == 0 {
			return math.NaN()
		}
		var values []float64
		for _, r := range runs[max(0, len(runs)-last):] {
			values = append(values, r.micros)
		}
		slices.Sort(values)
		n := len(values)
		return (values[(n-1)/2] + values[n/2]) / 2
	})
}
