// Package posterior says what is believed of a path's ratio: log2 of the time that a client spends on a candidate path,
// relative to the default one. It holds the statistics of package decide, and knows nothing of resolvers, panes or policies.
//
// A Belief is a distribution over a grid of ratios. An Evidence becomes a likelihood on that grid by a Law, which says how
// single requests scatter about the truth and is itself learnt from the evidence of all. Pool then lets neighbours speak
// for one another: a cell's own likelihood is weighed against what its prefix, its network and its country make likely.
//
// Results are equal on every processor: no transcendental function of package math is used, and no product is fused with
// a sum. Nothing is remembered between calls.
package posterior

import "math"

// The grid: Size cells of 1/PerOctave octaves. The upper edge of cell Harmless is the ratio at which harm begins.
const (
	Size      = 33
	PerOctave = 8
	harmless  = Size / 2
)

// Belief is a probability, or a likelihood up to a factor, for each cell of a Grid.
type Belief [Size]float64

// Grid places the cells: one of their edges is exactly where a client begins to count as slower, so that the probability
// of harm is a sum of whole cells.
type Grid struct {
	edge    float64       // octaves
	centres [Size]float64 // octaves
	saved   [Size]float64 // share of the time saved at the centre: 1 - 2^centre
}

// NewGrid returns the grid for clients that count as slower above ratioPPM of their time on the default path.
func NewGrid(ratioPPM int) *Grid {
	g := &Grid{edge: Log2(1 + float64(ratioPPM)/1e6)}
	for k := range g.centres {
		g.centres[k] = g.edge + (float64(k-harmless)-0.5)/PerOctave
		g.saved[k] = 1 - Exp2(g.centres[k])
	}
	return g
}

// Above returns the probability that the ratio is above a threshold in octaves, which is at least the grid's edge: a
// cell that holds the threshold counts by the part above.
func (g *Grid) Above(b *Belief, octaves float64) float64 {
	at := max(0, (octaves-g.edge)*PerOctave)
	whole := math.Floor(at)
	first := harmless + 1 + int(min(whole, Size))
	if first >= Size {
		return 0
	}
	sum := float64(b[first] * (1 - (at - whole)))
	for _, p := range b[first+1:] {
		sum += p
	}
	return sum
}

// Saved returns the expected share of the time on the default path that the candidate saves; below 0 it costs.
func (g *Grid) Saved(b *Belief) (sum float64) {
	for k, p := range b {
		sum += float64(p * g.saved[k])
	}
	return sum
}

// Mean returns the mean ratio in octaves of what is likely if all ratios are equally so before.
func (g *Grid) Mean(l *Likelihood) float64 {
	var octaves, sum float64
	for k, p := range l {
		octaves += float64(float64(p) * g.centres[k])
		sum += float64(p)
	}
	return octaves / sum
}

// Quantile returns the ratio in octaves below which it is with probability p, linear within a cell.
func (g *Grid) Quantile(b *Belief, p float64) float64 {
	below := 0.0
	for k, mass := range b {
		if below+mass >= p && mass > 0 {
			return g.centres[k] + ((p-below)/mass-0.5)/PerOctave
		}
		below += mass
	}
	return g.centres[Size-1] + 0.5/PerOctave
}

// Normalize makes the sum 1. A belief that is 0 everywhere becomes even.
func (b *Belief) Normalize() {
	sum := b.Sum()
	if !(sum > 0) {
		*b = Even()
		return
	}
	b.scale(1 / sum)
}

func (b *Belief) scale(by float64) {
	for k := range b {
		b[k] = float64(b[k] * by)
	}
}

// Sum adds up in four strands, which a processor does side by side.
func (b *Belief) Sum() float64 {
	s0, s1, s2, s3 := b[Size-1], 0.0, 0.0, 0.0
	for k := 0; k < Size-1; k += 4 {
		s0 += b[k]
		s1 += b[k+1]
		s2 += b[k+2]
		s3 += b[k+3]
	}
	return (s0 + s1) + (s2 + s3)
}

// Even returns the belief in which all cells are equally likely.
func Even() (b Belief) {
	for k := range b {
		b[k] = 1.0 / Size
	}
	return b
}

// peak makes the largest value 1.
func (b *Belief) peak() {
	top := 0.0
	for _, p := range b {
		top = max(top, p)
	}
	if top > 0 {
		b.scale(1 / top)
	}
}

// lift keeps products of many likelihoods within range: it is peak where that is due.
func (b *Belief) lift() {
	if sum := b.Sum(); sum > 0 && sum < 1e-60 {
		b.scale(1 / sum)
	}
}

// dot returns the sum of products.
func dot(a, b *Belief) float64 {
	s0, s1, s2, s3 := float64(a[Size-1]*b[Size-1]), 0.0, 0.0, 0.0
	for k := 0; k < Size-1; k += 4 {
		s0 += float64(a[k] * b[k])
		s1 += float64(a[k+1] * b[k+1])
		s2 += float64(a[k+2] * b[k+2])
		s3 += float64(a[k+3] * b[k+3])
	}
	return (s0 + s1) + (s2 + s3)
}

// Weigh multiplies b by c, another likelihood.
func (b *Belief) Weigh(c *Belief) {
	for k := range b {
		b[k] = float64(b[k] * c[k])
	}
}
