package decide

import (
	"cmp"
	"slices"

	"detour/schemas/window"
)

// bar is one bin of a histogram and its count.
type bar struct {
	bin int16
	n   uint32
}

// bars is a histogram: ascending bins, none with a count of 0. Eight bytes for each bin that was met.
type bars []bar

// add counts n more in bin; less by adding -n, which undoes an addition exactly, whatever came between.
func (h bars) add(bin int16, n uint32) bars {
	i, found := slices.BinarySearchFunc(h, bin, func(b bar, bin int16) int { return cmp.Compare(b.bin, bin) })
	switch {
	case !found:
		return slices.Insert(h, i, bar{bin, n})
	case h[i].n+n == 0:
		return slices.Delete(h, i, i+1)
	}
	h[i].n += n
	return h
}

// median returns the bin of the lower median, false when there is none.
func (h bars) median() (int16, bool) {
	var total, below uint64
	for _, b := range h {
		total += uint64(b.n)
	}
	for _, b := range h {
		if below += uint64(b.n); 2*below >= total {
			return b.bin, true
		}
	}
	return 0, false
}

// coarse is how many of window's latency bins make one here: 16 an octave, so a typical value is known to 3 %, which is
// enough for a weight, and a busy resolver's histogram stays short.
const coarse = 4

// micros returns the duration that stands for a coarse latency bin, in µs.
func micros(bin int16) float64 {
	low, _ := window.LatencyEdges(bin * coarse)
	_, high := window.LatencyEdges(bin*coarse + coarse - 1)
	return float64(low+(high-low)/2) + 0.5
}
