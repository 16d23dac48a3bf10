package decide

import (
	"math"

	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// The connection classes that the policy's mix speaks of. Requests whose client did not say count for reachability
// alone: nothing is known of what reused connections would gain from them, and guessing makes users slower.
const (
	fresh = iota
	reused
	mixed // how many
)

// byClass holds a value for each class of the mix.
type byClass[T any] [mixed]T

// ratios sums the paired ratios of one class, in bins of 1/window.RatioBinsPerOctave octaves. All but runs may be scaled
// by what evidence weighs.
type ratios struct {
	runs, pairs uint64
	sum         int64
	squares     uint64
}

// population is what the users of some series (a resolver's, or one cell's) saw of one candidate path.
type population struct {
	ratios byClass[ratios]
	direct byClass[float64] // µs, median on the default path; 0 = unknown
}

// population sums over a resolver's series, or a cell's. The ratio of a busy population is known well, so that of a
// resolver is the mean over all pairs, not over cells.
func (j *judge) population(list []series, path uint8) (p population) {
	for class := range p.direct {
		if bin, ok := j.sum(list, j.usual, class).median(); ok {
			p.direct[class] = micros(bin)
		}
		p.ratios[class].set(j.sum(list, path, class))
	}
	return p
}

// sum returns, until the next call, the weighted sum of the series of a path and class of the mix.
func (j *judge) sum(list []series, path uint8, class int) *histogram {
	j.scratch.reset()
	for i := range list {
		if s := &list[i]; s.key.path() == path && s.key.class() == sample.New+sample.Class(class) {
			s.sum(j.ageing, &j.scratch)
		}
	}
	return &j.scratch
}

func (m *ratios) set(h *histogram) {
	*m = ratios{runs: rounded(h.runs)}
	for i, n := range h.counts[h.low:h.high] {
		bin := int64(h.low+i) - window.MaxRatioBin
		m.pairs += n
		m.sum += bin * int64(n)
		m.squares += uint64(bin*bin) * n
	}
}

// rounded returns a weighted count to the nearest integer.
func rounded(n uint64) uint64 { return (n + whole/2) / whole }

func (m *ratios) mean() float64 { return float64(m.sum) / float64(m.pairs) }

// beyond is a ratio, in bins, that nothing measured reaches: a bound is not followed further than that.
const beyond = 2 * window.MaxRatioBin

// upper returns the one-sided upper confidence bound on the mean, in bins; it takes two runs. Pulses of one run share
// their device's luck, so a run, not a pulse, is what is drawn at random: the pulses' variance, corrected as if all
// pulses of a run were the same, is divided by runs, and Student's t has a degree of freedom less than runs. A value is
// known to its bin only: a bin's own variance, 1/12 (W. F. Sheppard, 1898), keeps equal bins from passing for certainty.
// The histogram's ends, at ±4 octaves, bound what one wild value can do.
func (m *ratios) upper(student *students) float64 {
	n, runs := float64(m.pairs), float64(m.runs)
	spread := max(0, float64(m.squares)-float64(float64(m.sum)*m.mean())) / n
	variance := float64(spread*(runs/(runs-1))) + 1.0/12
	return min(m.mean()+float64(student.quantile(m.runs-1)*math.Sqrt(variance/runs)), beyond)
}

// blend combines ratios of classes, in bins, as time: what a client that opens connections in the policy's mix waits on
// the default path, in µs a connection, and log2 of what it would wait over the candidate, relative to that. It is
// log2(w 2^new + (1-w) 2^reused), w being new connections' share of direct time.
func (j *judge) blend(direct, ratio byClass[float64]) (micros, octaves float64) {
	var before, after, connections float64
	for class, weight := range j.weights() {
		if weight > 0 {
			time := float64(weight * direct[class])
			before += time
			after += float64(time * exp2(ratio[class]/window.RatioBinsPerOctave))
			connections += weight
		}
	}
	return before / connections, log2(after / before)
}

// weigh compares a candidate path with the default one for r. The decision's reason is Faster if the candidate may be
// taken, else why not; its path is not set. The bounds of both classes are taken together as if the same luck had made
// them: whatever their correlation, the bound of the mix is then not too low.
func (j *judge) weigh(r *resolver, path uint8, h *health) decision.Decision {
	d := decision.Decision{
		Candidate:         path,
		DefaultTries:      uint32(h[j.usual].tries),
		DefaultFailures:   uint32(h[j.usual].failures),
		CandidateTries:    uint32(h[path].tries),
		CandidateFailures: uint32(h[path].failures),
	}
	j.count(r, &d)
	p := j.population(r.series, path)
	if !j.enough(&p) {
		d.Reason = decision.TooFew
		return d
	}
	d.Level = decision.Resolver
	var mean, upper byClass[float64]
	for class := range mean {
		if m := &p.ratios[class]; m.runs > 1 && m.pairs > 0 {
			mean[class], upper[class] = m.mean(), m.upper(&j.student)
		}
	}
	micros, octaves := j.blend(p.direct, mean)
	_, bound := j.blend(p.direct, upper)
	d.Ratio, d.RatioUpper = fixed(octaves), fixed(bound)
	d.Direct = uint32(micros)
	d.Gain = gain(micros, d.Ratio)
	harmed := j.cells(r, &p, mean, &d)
	switch {
	case h[path].down:
		d.Reason = decision.CandidateDown
	case d.Gain <= 0:
		d.Reason = decision.NotFaster
	case d.RatioUpper > 0:
		d.Reason = decision.Uncertain
	case harmed:
		d.Reason = decision.CellHarmed
	default:
		d.Reason = decision.Faster
	}
	return d
}

// enough reports whether every class that the mix asks for has the runs that the policy asks for. A class without any is
// not filled in from the other: gains on new connections say little about reused ones.
func (j *judge) enough(p *population) bool {
	for class, weight := range j.weights() {
		m := &p.ratios[class]
		if weight > 0 && (m.runs < uint64(j.policy.Latency.MinRuns) || m.pairs == 0 || p.direct[class] == 0) {
			return false
		}
	}
	return true
}

// fixed returns octaves in 1/sample.RatioOne, halves upward.
func fixed(octaves float64) int32 { return int32(math.Floor(float64(octaves*sample.RatioOne) + 0.5)) }

// gain returns what a client saves at a ratio, in µs.
func gain(micros float64, ratio int32) int32 {
	saved := float64(micros * (1 - exp2(float64(ratio)/sample.RatioOne)))
	return int32(max(math.MinInt32, min(math.MaxInt32, math.Floor(saved+0.5))))
}
