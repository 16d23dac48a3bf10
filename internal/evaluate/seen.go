package evaluate

import (
	"math"
	"slices"

	"detour/schemas/sample"
)

// The connection classes of the mix. A client's latency is the mean over one new and two reused connections, whatever a
// policy says: figures of two policies are to be compared.
const (
	fresh = iota
	reused
	mixed // how many
)

var mix = [mixed]float64{fresh: 1.0 / 3, reused: 2.0 / 3}

// recent is how many runs the rolling median looks at.
const recent = 10

// seen is what the baselines know of a resolver: all raw samples of the evidence period, sums of its pairs, and its
// newest runs.
type seen struct {
	paths []onePath
	dirty bool
}

type onePath struct {
	latency [mixed]sorted
	ratios  [mixed]moments // paired with the default path, one value a run
	runs    []timed        // the newest on the mix, oldest first
}

// sorted is latencies in µs, ascending.
type sorted []uint32

func (s *sorted) add(v uint32) {
	i, _ := slices.BinarySearch(*s, v)
	*s = slices.Insert(*s, i, v)
}

func (s *sorted) drop(v uint32) {
	i, _ := slices.BinarySearch(*s, v)
	*s = slices.Delete(*s, i, i+1)
}

// median is the mean of the two middle values where there are two.
func (s sorted) median() float64 {
	n := len(s)
	return (float64(s[(n-1)/2]) + float64(s[n/2])) / 2
}

// moments sums values in octaves: whole steps of 1/sample.RatioOne, so that taking one away leaves no trace.
type moments struct{ n, sum, squares int64 }

func (m *moments) add(v, sign int64) {
	m.n += sign
	m.sum += sign * v
	m.squares += sign * v * v
}

func (m *moments) mean() float64 { return float64(m.sum) / float64(m.n) / sample.RatioOne }

// deviation is the standard deviation of a sample of two or more.
func (m *moments) deviation() float64 {
	n := float64(m.n)
	spread := float64(m.squares) - float64(m.sum)*float64(m.sum)/n
	return math.Sqrt(max(0, spread)/(n-1)) / sample.RatioOne
}

// timed is what one run saw on the mix, in µs.
type timed struct {
	pane   int
	micros float64
}

// observed is one value to be taken back when its pane leaves the evidence period.
type observed struct {
	resolver    int32
	path, class uint8
	pair        bool
	value       int32 // µs, or octaves of sample.RatioOne
}
