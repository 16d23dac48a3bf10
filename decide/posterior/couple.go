package posterior

import "math"

// Classes of connections.
const (
	New = iota
	Reused
	Classes
)

// Couple is how likely differences between the truths of the two classes are, new minus reused, in bins from -2 maxTruth:
// a path that helps new connections by so much usually helps reused ones by a little less, and one class fills in for
// what the other has not shown. It sums to 1.
type Couple [differences]float64

const differences = 4*maxTruth + 1

// UnknownCouple is the couple before anything was learnt: half as likely for each quarter of an octave.
func UnknownCouple() (c Couple) {
	sum := 0.0
	for i := range c {
		away := i - 2*maxTruth
		c[i] = Exp2(-float64(max(away, -away)) / 2)
		sum += c[i]
	}
	for i := range c {
		c[i] /= sum
	}
	return c
}

const (
	coupleRounds = 4
	couplePrior  = 5 // cells that the unknown couple counts as
)

// LearnCouple learns it from the cells that have both classes, by EM.
func LearnCouple(laws *[Classes]*Law, cells [][Classes]Counts) Couple {
	var truths [][Classes]Belief
	for i := range cells {
		t := [Classes]Belief{laws[New].truth(&cells[i][New]), laws[Reused].truth(&cells[i][Reused])}
		truths = append(truths, t)
	}
	unknown := UnknownCouple()
	c := unknown
	for range coupleRounds {
		var sum Couple
		total := 0.0
		for i := range truths {
			total += c.share(&truths[i], &sum)
		}
		for i := range c {
			c[i] = (sum[i] + float64(couplePrior*unknown[i])) / (total + couplePrior)
		}
	}
	return c
}

// share adds to sum how likely each difference is for one cell, 1 in all. It returns 1.
func (c *Couple) share(t *[Classes]Belief, sum *Couple) float64 {
	var own Couple
	total := 0.0
	for a, p := range t[New] {
		if p < negligible {
			continue
		}
		for b, q := range t[Reused] {
			d := a - b + 2*maxTruth
			x := float64(float64(p*q) * c[d])
			own[d] += x
			total += x
		}
	}
	if total == 0 {
		return 0
	}
	for d, x := range own {
		sum[d] += x / total
	}
	return 1
}

// The blend of two classes is log2(w 2^new + (1-w) 2^reused), w being new connections' share of the direct time: times add,
// not ratios. Relative to the reused class it depends on w and on the difference alone, and is tabled for w in parts of
// blendSteps.
const blendSteps = 64

type blendPoint struct {
	cells int     // above the reused class's truth
	part  float64 // of a cell more
}

var blends = func() (t [blendSteps + 1][differences]blendPoint) {
	for i := range t {
		w := float64(i) / blendSteps
		for d := range t[i] {
			away := float64(d-2*maxTruth) / PerOctave
			at := float64(PerOctave * Log2(float64(w*Exp2(away))+(1-w)))
			whole := math.Floor(at)
			t[i][d] = blendPoint{int(whole), at - whole}
		}
	}
	return t
}()
