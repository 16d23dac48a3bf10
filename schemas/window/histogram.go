package window

import (
	"errors"
	"math/bits"

	"detour/schemas/sample"
)

// The latency histogram is log-linear: 64 bins an octave, values below 64 µs exact. A bin is never wider than 1/64 of
// its lower edge, so its middle is within 1/128 of every value in it. (The layout is HdrHistogram's, Gil Tene 2012.)
const (
	subBits     = 6
	subBins     = 1 << subBits
	LatencyBins = (32-subBits)*subBins + subBins // bins that a uint32 of µs can fall in: 1,728
)

// LatencyBin returns the bin of a duration in µs.
func LatencyBin(us uint32) int16 {
	if us < subBins {
		return int16(us)
	}
	shift := bits.Len32(us) - subBits - 1
	return int16(shift<<subBits + int(us>>shift))
}

// LatencyEdges returns the least and the greatest duration of a bin, both in it, in µs.
func LatencyEdges(bin int16) (low, high uint32) {
	if bin < 2*subBins {
		return uint32(bin), uint32(bin)
	}
	shift := int(bin)>>subBits - 1
	low = uint32(int(bin)&(subBins-1)+subBins) << shift
	return low, low + 1<<shift - 1
}

// LatencyMiddle returns the duration that stands for a bin, in µs: at most 1/128 from any in it.
func LatencyMiddle(bin int16) uint32 {
	low, high := LatencyEdges(bin)
	return low + (high-low)/2
}

// The paired-ratio histogram has bins of 1/8 octave, centred on multiples of it, over ±4 octaves; what is beyond
// falls in the outermost bins.
const (
	RatioBinsPerOctave = 8
	MaxRatioBin        = 4 * RatioBinsPerOctave // and -MaxRatioBin
)

// RatioBin returns the bin of a log2 ratio in 1/sample.RatioOne octaves: the nearest, halves upward.
func RatioBin(ratio int16) int16 {
	const width = sample.RatioOne / RatioBinsPerOctave
	bin := (int(ratio) + width/2) >> (bits.Len(width) - 1)
	return int16(min(max(bin, -MaxRatioBin), MaxRatioBin))
}

// Histogram holds counts by bin: ascending bins, each with a count above 0.
type Histogram struct {
	Bins   []int16
	Counts []uint32
}

// Add counts n in bin, which must not be below the last bin that was added.
func (h *Histogram) Add(bin int16, n uint32) {
	if last := len(h.Bins) - 1; last >= 0 && h.Bins[last] == bin {
		h.Counts[last] += n
		return
	}
	h.Bins = append(h.Bins, bin)
	h.Counts = append(h.Counts, n)
}

// Total returns the sum of all counts.
func (h *Histogram) Total() uint64 {
	var sum uint64
	for _, n := range h.Counts {
		sum += uint64(n)
	}
	return sum
}

// Bin returns the bin that holds the value of rank ceil(permille/1000 * Total), counted from 1 in ascending order (the
// nearest-rank quantile); false when the histogram is empty.
func (h *Histogram) Bin(permille uint64) (int16, bool) {
	total := h.Total()
	if total == 0 {
		return 0, false
	}
	rank := max(1, (total*permille+999)/1000)
	for i, n := range h.Counts {
		if rank <= uint64(n) {
			return h.Bins[i], true
		}
		rank -= uint64(n)
	}
	return h.Bins[len(h.Bins)-1], true
}

// LatencyQuantile returns a quantile of a latency histogram in µs, 0 when it is empty.
func (h *Histogram) LatencyQuantile(permille uint64) uint32 {
	bin, ok := h.Bin(permille)
	if !ok {
		return 0
	}
	return LatencyMiddle(bin)
}

// check reports a histogram that no aggregator writes. Bins must be from low to high.
func (h *Histogram) check(low, high int, total uint32) error {
	if len(h.Bins) != len(h.Counts) {
		return errors.New("bins and counts differ in length")
	}
	for i, bin := range h.Bins {
		if int(bin) < low || int(bin) > high || h.Counts[i] == 0 || i > 0 && bin <= h.Bins[i-1] {
			return errors.New("bins out of range or order, or a count of 0")
		}
	}
	if h.Total() != uint64(total) {
		return errors.New("counts do not add up")
	}
	return nil
}
