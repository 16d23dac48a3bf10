package posterior

import "math"

// Evidence is what one cell showed: sums over its requests, which may be weighted.
type Evidence struct {
	exponents [Classes]exponents
	plus      [Classes]float64 // sum of 2^ratio
	minus     [Classes]float64 // sum of 2^-ratio
	n         [Classes]float64
}

// Reset forgets everything.
func (e *Evidence) Reset() { *e = Evidence{} }

// Empty reports whether nothing was added.
func (e *Evidence) Empty() bool { return e.n[New] == 0 && e.n[Reused] == 0 }

// Model is what was learnt of a path from the cells of all resolvers: how to read the evidence of one.
type Model struct {
	Laws   [Classes]*Law
	Couple Couple
	Tails  [Classes]Tail

	even [blendSteps + 1]Belief // what a blend makes of truths that are all equally likely: see flatten
}

// UnknownModel is the model before anything was learnt. It may not be changed.
func UnknownModel() *Model { return unknownModel }

var unknownModel = func() *Model {
	law := UnknownLaw()
	m := &Model{Laws: [Classes]*Law{law, law}, Couple: UnknownCouple()}
	m.flatten()
	return m
}()

// Learn returns the model of many cells.
func Learn(cells [][Classes]Counts) *Model {
	m := &Model{}
	for class := range m.Laws {
		list := make([]Counts, len(cells))
		for i := range cells {
			list[i] = cells[i][class]
		}
		var s *Scatter
		m.Laws[class], s = LearnLaw(list)
		m.Tails[class] = learnTail(m.Laws[class], s, list)
	}
	m.Couple = LearnCouple(&m.Laws, cells)
	m.flatten()
	return m
}

// Add counts n requests in a bin of a class, weighted: requests that share their luck count as fewer.
func (m *Model) Add(e *Evidence, class, bin int, n float64) {
	e.exponents[class].add(m.Laws[class], bin, n)
	e.plus[class] += float64(n * powersOfBins[bin+MaxBin])
	e.minus[class] += float64(n * powersOfBins[MaxBin-bin])
	e.n[class] += n
}

var powersOfBins = func() (t [Bins]float64) {
	for i := range t {
		t[i] = Exp2(float64(i-MaxBin) / PerOctave)
	}
	return t
}()

// flatten tables, for each share of new connections, what blending makes of truths that are all equally likely but for
// the couple: dividing by it leaves a likelihood that favours no ratio by itself.
func (m *Model) flatten() {
	var even [Classes]Belief
	for class := range even {
		even[class] = Even()
	}
	for w := range m.even {
		m.even[w] = m.blend(&even, w)
	}
}

// blend returns how likely each blended ratio is, on the class grid, in steps of the grid's cells. It goes by the
// difference of the classes' truths, which fixes where the blend lies above the reused one; differences that hardly occur
// are left out.
func (m *Model) blend(b *[Classes]Belief, w int) (out Belief) {
	var wide [3 * Size]float64 // from a grid's length below
	for d, couple := range m.Couple {
		if couple < rareCouple {
			continue
		}
		away, at := d-2*maxTruth, &blends[w][d]
		from, to := max(0, -away), min(Size, Size-away)
		right := float64(couple * at.part)
		left := couple - right
		target := wide[Size+at.cells+from:]
		fresh := b[New][from+away:]
		for i, q := range b[Reused][from:to] {
			x := float64(q * fresh[i])
			target[i] += float64(x * left)
			target[i+1] += float64(x * right)
		}
	}
	copy(out[:], wide[Size:])
	return out
}

// rareCouple is how likely a difference has to be to be looked at.
const rareCouple = 1e-5

// Likelihood returns how likely the evidence is for each ratio of the grid, the best one 1. newShare is the share of the
// direct time that goes to new connections.
func (m *Model) Likelihood(g *Grid, e *Evidence, newShare float64) Belief {
	classes := [Classes]Belief{e.exponents[New].belief(), e.exponents[Reused].belief()}
	shift, newShare := m.shift(e, &classes, newShare)
	w := int(math.Floor(float64(newShare*blendSteps) + 0.5))
	blended := m.blend(&classes, w)
	for k := range blended {
		blended[k] /= m.even[w][k] + scatterFloor
	}
	out := onGrid(g, &blended, shift)
	out.peak()
	for k := range out {
		out[k] += floor
	}
	return out
}

// onGrid moves a belief on the class grid, whose cells are centred on multiples of their width, to g, shifted by octaves.
func onGrid(g *Grid, b *Belief, octaves float64) (out Belief) {
	// The cell of g at k takes what lies at its centre: between the class grid's cells i and i+1.
	at := (g.centres[0] - octaves + float64(maxTruth)/PerOctave) * PerOctave
	whole := math.Floor(at)
	part := at - whole
	for k := range out {
		i := k + int(whole)
		left, right := b[min(max(i, 0), Size-1)], b[min(max(i+1, 0), Size-1)]
		out[k] = float64(left*(1-part)) + float64(right*part)
	}
	return out
}
