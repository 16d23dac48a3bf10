package decide

import (
	"iter"
	"slices"

	"detour/schemas/sample"
	"detour/schemas/window"
)

// series is what a cell's clients saw of one path over one class of connections, by epoch. It may hold nothing but the
// epoch of the last window: a class that is not known can't be compared, and where nothing answered there is nothing to.
type series struct {
	key    key
	newest uint16 // epoch of the last window, last 16 bits
	tail   uint32 // where the newest epoch of shape begins
	shape  []uint16
}

// A shape is a list of epochs, ascending: the last 16 bits of the epoch, how many words follow, and then words of a bin
// and a digit, by bin. A bin's count is as many digits as it takes, the lowest first. So a bin that was met a few times
// takes 2 bytes and one that was met a thousand times 4. Bin 0 counts runs with a paired ratio, the histogram begins at 1.
const (
	digitBits = 7
	digit     = 1<<digitBits - 1
	header    = 2 // words
	runsBin   = 0
	firstBin  = 1
)

// begin makes epoch the newest one of the shape, with room for some more words.
func (s *series) begin(epoch uint16, words int) {
	if len(s.shape) > 0 && s.shape[s.tail] == epoch {
		return
	}
	s.tail = uint32(len(s.shape))
	s.shape = append(slices.Grow(s.shape, header+words), epoch, 0)
}

// count adds n to a bin of the newest epoch. It looks for it from word at on, and returns where it found it, for a later one.
func (s *series) count(at int, bin uint16, n uint64) int {
	for at < len(s.shape) && s.shape[at]>>digitBits < bin {
		at++
	}
	for i := at; n > 0; i, n = i+1, n>>digitBits {
		if i == len(s.shape) || s.shape[i]>>digitBits != bin {
			s.shape = slices.Insert(s.shape, i, bin<<digitBits)
			s.shape[s.tail+1]++
		}
		n += uint64(s.shape[i] & digit)
		s.shape[i] = bin<<digitBits | uint16(n&digit)
	}
	return at
}

// add counts a window on the default path (usual) or on another one in its epoch.
func (s *series) add(epoch uint16, w *window.Window, usual bool) {
	h, number := &w.Ratio, ratioBin
	if usual {
		h, number = &w.Latency, latencyBin
	}
	s.newest = epoch
	if w.Class == sample.Unknown || len(h.Bins) == 0 { // nothing to compare
		return
	}
	s.begin(epoch, len(h.Bins)+1)
	at := s.count(int(s.tail)+header, runsBin, uint64(w.PairRuns))
	for i, bin := range h.Bins {
		at = s.count(at, firstBin+number(bin), uint64(h.Counts[i]))
	}
}

// expire forgets the epochs that are beyond the horizon.
func (s *series) expire(a *ageing) {
	from := 0
	for from < len(s.shape) && a.over(s.shape[from]) {
		from += header + int(s.shape[from+1])
	}
	if from == 0 {
		return
	}
	s.shape = slices.Delete(s.shape, 0, from)
	s.tail = uint32(max(0, int(s.tail)-from))
	if cap(s.shape) > 3*len(s.shape) { // it was busier before
		s.shape = slices.Clone(s.shape)
	}
}

// take adds an epoch's words.
func (h *histogram) take(words []uint16, weight uint64) {
	i := 0
	for ; i < len(words) && words[i]>>digitBits == runsBin; i++ {
		h.runs += weight * uint64(words[i]) << (i * digitBits)
	}
	if words = words[i:]; len(words) == 0 {
		return
	}
	h.widen(int(words[0]>>digitBits-firstBin), int(words[len(words)-1]>>digitBits-firstBin))
	bin, shift := uint16(runsBin), 0
	for _, word := range words {
		if next := word >> digitBits; next != bin {
			bin, shift = next, 0
		}
		h.counts[bin-firstBin] += weight * uint64(word&digit) << shift
		shift += digitBits
	}
}

// runs returns how many runs with a paired ratio s holds, weighted by age, in 1/whole.
func (s *series) runs(a *ageing) (sum uint64) {
	for rest := s.shape; len(rest) > 0; rest = rest[header+int(rest[1]):] {
		weight := a.of(rest[0])
		for i, word := range rest[header : header+int(rest[1])] {
			if word>>digitBits != runsBin {
				break
			}
			sum += weight * uint64(word&digit) << (i * digitBits)
		}
	}
	return sum
}

// each yields the epochs of s, ascending, and their words.
func (s *series) each(yield func(epoch uint16, words []uint16) bool) {
	for rest := s.shape; len(rest) > 0; rest = rest[header+int(rest[1]):] {
		if !yield(rest[0], rest[header:header+int(rest[1])]) {
			return
		}
	}
}

// tally yields the bins of an epoch's words, and how much each word counts in its bin: a bin may come several times.
func tally(words []uint16) iter.Seq2[uint16, uint64] {
	return func(yield func(uint16, uint64) bool) {
		bin, shift := uint16(runsBin), 0
		for _, word := range words {
			if next := word >> digitBits; next != bin {
				bin, shift = next, 0
			}
			if !yield(bin, uint64(word&digit)<<shift) {
				return
			}
			shift += digitBits
		}
	}
}

// since adds what s holds of epochs of at least an age to h, weighted by age.
func (s *series) since(a *ageing, least int, h *histogram) {
	for epoch, words := range s.each {
		if age := a.age(epoch); age >= least {
			h.take(words, a.weight[age])
		}
	}
}
