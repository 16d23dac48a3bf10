package posterior

import "math"

// Bins of a paired ratio, as in a window: 1/PerOctave octaves, from -MaxBin to MaxBin. Offsets of a ratio from a truth on
// the class grid (-maxTruth to maxTruth bins) reach as far as both together.
const (
	MaxBin    = 32
	Bins      = 2*MaxBin + 1
	maxTruth  = (Size - 1) / 2
	maxOffset = 64
	offsets   = 2*maxOffset + 1
)

// Counts is a histogram of paired ratios: how many requests, which may be weighted, in bin i - MaxBin.
type Counts [Bins]float64

// Law says how the ratio of one pair of requests scatters about the truth: the density of its offset, in bins. It is
// symmetric: both paths share the noise of the device and the last mile. What makes one path's tail heavier is Tail.
type Law struct {
	density [offsets]float64 // from -maxOffset, sums to 1
	rows    [offsets]float64 // log2 of it, mirrored: see row
}

// row returns log2 of how likely a bin is, for each truth of the class grid.
func (l *Law) row(bin int) []float64 {
	from := maxOffset - maxTruth - bin
	return l.rows[from : from+Size]
}

// UnknownLaw is the law before anything was learnt: Student's t with two degrees of freedom, whose density is
// proportional to (1 + x²/2)^(-3/2), x being the offset over 0.35 octaves. That is wider than what HTTP shows.
func UnknownLaw() *Law {
	var d [offsets]float64
	for i := range d {
		x := float64(i-maxOffset) / PerOctave / 0.35
		base := 1 + float64(x*x)/2
		d[i] = 1 / float64(base*math.Sqrt(base))
	}
	return newLaw(&d)
}

// newLaw makes a law of a density: it is made symmetric, smoothed by a bin to either side, and nothing is impossible.
func newLaw(d *[offsets]float64) *Law {
	var even [offsets]float64
	sum := 0.0
	for i := range d {
		even[i] = d[i] + d[offsets-1-i]
		sum += even[i]
	}
	l := &Law{}
	for i := range even {
		left, right := even[max(0, i-1)], even[min(offsets-1, i+1)]
		l.density[i] = float64((float64(0.25*left)+float64(0.5*even[i])+float64(0.25*right))/sum) + 2e-5
	}
	sum = 0
	for _, p := range l.density {
		sum += p
	}
	for i := range l.density {
		l.density[i] /= sum
		l.rows[offsets-1-i] = Log2(l.density[i])
	}
	return l
}

const (
	learnRounds  = 2
	learnPulses  = 4   // a cell with fewer requests says little about scatter
	loudest      = 30  // requests that a cell counts as at most, so that a busy one doesn't make the law
	priorPulses  = 100 // that the unknown law counts as
	negligible   = 1e-4
	scatterFloor = 1e-9
)

// LearnLaw learns the law from the cells of many resolvers: where each cell's truth probably is, and how its requests
// scatter about that, in turn (the EM algorithm: Dempster, Laird, Rubin, J. R. Stat. Soc. B 39, 1977). It also returns the
// offsets as they were, not made symmetric, for LearnTail.
func LearnLaw(cells []Counts) (*Law, *Scatter) {
	unknown := UnknownLaw()
	law := unknown
	var scatter Scatter
	for range learnRounds {
		scatter = Scatter{}
		for i := range cells {
			scatter.add(law, &cells[i])
		}
		mixed := scatter.sum
		for i := range mixed {
			mixed[i] += float64(priorPulses * unknown.density[i])
		}
		law = newLaw(&mixed)
	}
	return law, &scatter
}

// Scatter is a histogram of offsets from the truth, over many cells.
type Scatter struct{ sum [offsets]float64 }

func (s *Scatter) add(law *Law, c *Counts) {
	total := 0.0
	for _, n := range c {
		total += n
	}
	if total < learnPulses {
		return
	}
	truth := law.truth(c)
	share := min(1, loudest/total)
	for i, n := range c {
		if n == 0 {
			continue
		}
		n = float64(n * share)
		first := i - MaxBin + maxTruth + maxOffset // of the lowest truth
		for j, p := range truth {
			if p > negligible {
				s.sum[first-j] += float64(n * p)
			}
		}
	}
}

// truth returns where the truth probably is on the class grid, if all are equally likely before.
func (l *Law) truth(c *Counts) Belief {
	var e exponents
	for i, n := range c {
		if n > 0 {
			e.add(l, i-MaxBin, n)
		}
	}
	b := e.belief()
	b.Normalize()
	return b
}

// exponents is log2 of a likelihood on the class grid.
type exponents [Size]float64

func (e *exponents) add(l *Law, bin int, n float64) {
	row := l.row(bin)
	for j := range e {
		e[j] += float64(n * row[j])
	}
}

// belief returns the likelihood, its largest value 1.
func (e *exponents) belief() (b Belief) {
	top := e[0]
	for _, x := range e {
		top = max(top, x)
	}
	for j, x := range e {
		if x > top-40 {
			b[j] = Exp2(x - top)
		}
	}
	return b
}

// Variance returns the variance of an offset, in bins².
func (l *Law) Variance() (sum float64) {
	for i, p := range l.density {
		away := float64(i - maxOffset)
		sum += float64(p * float64(away*away))
	}
	return sum
}
