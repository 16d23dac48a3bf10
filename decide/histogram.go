package decide

import "detour/schemas/window"

// histogram is a weighted sum of series' counts, in 1/whole. Bins are numbered from 0: see ratioBin and latencyBin.
type histogram struct {
	runs   uint64 // with a paired ratio
	counts [shapeBins]uint64
	low    int // bins below hold 0
	high   int // bins from here on hold 0; 0 = all do
}

// reset empties h.
func (h *histogram) reset() {
	clear(h.counts[h.low:h.high])
	h.runs, h.low, h.high = 0, 0, 0
}

// widen says that bins from low to high may hold more than 0 now.
func (h *histogram) widen(low, high int) {
	if h.high == 0 || low < h.low {
		h.low = low
	}
	h.high = max(h.high, high+1)
}

// total returns the sum of all counts.
func (h *histogram) total() (sum uint64) {
	for _, n := range h.counts[h.low:h.high] {
		sum += n
	}
	return sum
}

// median returns the bin of the lower median, false when there is none.
func (h *histogram) median() (bin int, ok bool) {
	total := h.total()
	if total == 0 {
		return 0, false
	}
	bin = h.low
	for below := h.counts[bin]; 2*below < total; below += h.counts[bin] {
		bin++
	}
	return bin, true
}

// A series on a candidate path counts paired ratios, in window's bins from the least on. One on the default path counts
// latencies, coarsely: 16 bins an octave, so that a typical value is known to 3 %, which is enough for a weight, and a busy
// resolver's histogram stays short.
const (
	ratioBins = 2*window.MaxRatioBin + 1
	coarse    = 4 // of window's latency bins make one here
	shapeBins = window.LatencyBins / coarse
)

// ratioBin returns a histogram's bin of a ratio bin of window, and latencyBin of a latency bin.
func ratioBin(bin int16) uint16   { return uint16(bin + window.MaxRatioBin) }
func latencyBin(bin int16) uint16 { return uint16(bin / coarse) }

// micros returns the duration that stands for a coarse latency bin, in µs.
func micros(bin int) float64 {
	low, _ := window.LatencyEdges(int16(bin * coarse))
	_, high := window.LatencyEdges(int16(bin*coarse + coarse - 1))
	return float64(low+(high-low)/2) + 0.5
}
