package main

import (
	"fmt"
	"math"
	"slices"
)

const (
	timedOut      = 20   // seconds: what the data set writes for a request that timed out
	leastValues   = 32   // of a pair's 64 slices, for its median to mean something
	noiseQuantile = 1024 // intervals of the quantile table

	// Pairs with such medians, in seconds, are as far apart as the world's clients and servers. Nearer pairs (a service in
	// the same room) have ratios in the thousands that say nothing about a wide-area request.
	leastMedian, mostMedian = 0.05, 1
	// A request counts as at most so many times the pair's median: the same cap as in the measure of regret.
	mostFactor = 16
)

// deriveNoise writes the quantiles of HTTP's multiplicative noise: a response time divided by the median of its pair of
// client and service, over all pairs. It returns the share of requests that timed out.
func deriveNoise(from, to folder) (timeouts float64, err error) {
	in, err := from.read("wsdream-timeslices/rt_s.csv.gz")
	if err != nil {
		return 0, err
	}
	var ratios []float64
	var all, lost int
	for _, r := range in[1:] {
		times, out := measured(r[2:])
		all, lost = all+len(times)+out, lost+out
		if len(times) < leastValues {
			continue
		}
		sorted := slices.Sorted(slices.Values(times))
		median := quantile(sorted, 0.5)
		if median < leastMedian || median >= mostMedian {
			continue
		}
		for _, t := range times {
			ratios = append(ratios, min(t/median, mostFactor))
		}
	}
	slices.Sort(ratios)
	fmt.Printf("noise: %d ratios\n", len(ratios))
	table := table{{"factor"}}
	for i := range noiseQuantile + 1 {
		table = append(table, []string{fmt.Sprintf("%.4f", quantile(ratios, float64(i)/noiseQuantile))})
	}
	return float64(lost) / float64(all), to.write("noise.csv", table)
}

// measured returns the successful response times of one pair and how many timed out. Values that equal the mean of the
// earlier slices to three digits are left out: the copy of the data set filled its gaps with them.
func measured(slices []string) (times []float64, timeouts int) {
	var sum float64
	for i, s := range slices {
		v := number(s)
		filled := i > 0 && math.Abs(v-sum/float64(i)) < 0.0006
		sum += v
		switch {
		case v >= timedOut:
			timeouts++
		case !filled && v > 0:
			times = append(times, v)
		}
	}
	return times, timeouts
}
