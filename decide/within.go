package decide

import (
	"detour/schemas/sample"
	"detour/schemas/window"
)

// within measures how far the pulses of one run differ: the sum of squared deviations from the run's own mean, pooled over
// runs, and its degrees of freedom. That of windows which one run alone has pairs in is known. (Pooled variance: R. A.
// Fisher, Statistical Methods for Research Workers, 1925.)
type within struct {
	squares uint64 // ratio bins², in 1/squareOne; times the weights once they are weighted
	freedom uint64 // pairs less runs; likewise
}

const squareOne = 1 << 12

// add counts a window's pairs if they are of one run. With n pairs the sum of squared deviations is Σb² - (Σb)²/n.
func (v *within) add(w *window.Window) {
	if w.PairRuns != 1 || w.Pairs < 2 {
		return
	}
	var n, sum, squares int64
	for i, bin := range w.Ratio.Bins {
		count := int64(w.Ratio.Counts[i])
		n += count
		sum += int64(bin) * count
		squares += int64(bin) * int64(bin) * count
	}
	v.squares += uint64((n*squares - sum*sum) * squareOne / n)
	v.freedom += uint64(n - 1)
}

// variance returns the mean squared deviation, in bins², 0 where nothing is known of it. It takes weighted sums as well:
// weights cancel out.
func (v *within) variance() float64 {
	if v.freedom == 0 {
		return 0
	}
	return float64(v.squares) / float64(v.freedom) / squareOne
}

// classOf returns the class of the mix that a class of samples is, false for one that is unknown.
func classOf(c sample.Class) (class int, ok bool) {
	return int(c) - int(sample.New), c != sample.Unknown
}
