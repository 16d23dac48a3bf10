package posterior

// Tail says how much more a path's mean ratio is than its centre, in octaves, since requests over one of the two paths
// now and then take far longer. What users wait for is the mean; the law finds the centre, whatever the tails.
//
// With u the offset of a ratio from its centre, log2 E[2^u] - log2 E[2^-u] is 0 where both paths scatter alike, and about
// log2 of what the candidate's tail adds to its mean time, less what the default's adds to its own. The histogram's ends
// bound what a request adds, at a ratio of 16.
type Tail struct {
	All  float64 // octaves: over all cells
	Keep float64 // requests from which a cell's own tail counts half; 0 = cells don't differ
}

// learnTail learns it from the scatter of all cells, and how much cells differ from how their tails do: the variance
// between cells that the scatter of single requests doesn't explain (method of moments).
func learnTail(l *Law, s *Scatter, cells []Counts) (t Tail) {
	var n, plus, minus float64
	for i, c := range s.sum {
		if away := i - maxOffset; away >= -MaxBin && away <= MaxBin {
			n += c
			plus += float64(c * powersOfBins[away+MaxBin])
			minus += float64(c * powersOfBins[MaxBin-away])
		}
	}
	if n < tailLeast {
		return t
	}
	t.All = Log2(plus / minus)
	var between, count float64
	single := l.asymmetry()
	for i := range cells {
		own, requests := l.tail(&cells[i])
		if requests < tailLeast {
			continue
		}
		between += float64((own-t.All)*(own-t.All)) - single/requests
		count++
	}
	if count < tailCells || between <= 0 {
		return t
	}
	t.Keep = single / (between / count)
	return t
}

const (
	tailLeast = 40 // requests without which a tail is not looked for
	tailCells = 20 // cells without which it isn't asked whether they differ
)

// asymmetry returns the variance, in octaves², that a tail measured over one request has: by the delta method, that of
// (2^u - 2^-u) / E[2^u] over ln 2.
func (l *Law) asymmetry() float64 {
	var mean, square, total float64
	for i, p := range l.density {
		away := min(max(i-maxOffset, -MaxBin), MaxBin)
		up, down := powersOfBins[away+MaxBin], powersOfBins[MaxBin-away]
		total += p
		mean += float64(p * up)
		square += float64(p * float64((up-down)*(up-down)))
	}
	const ln2 = 0.6931471805599453
	mean *= ln2
	return float64(square*total) / float64(mean*mean)
}

// tail returns a cell's own tail in octaves, and over how many requests.
func (l *Law) tail(c *Counts) (octaves, n float64) {
	var plus, minus float64
	for i, k := range c {
		n += k
		plus += float64(k * powersOfBins[i])
		minus += float64(k * powersOfBins[Bins-1-i])
	}
	if n == 0 {
		return 0, 0
	}
	truth := l.truth(c)
	return Log2(plus/minus) - float64(2*truth.centre()), n
}

// centre returns the mean of a belief on the class grid, in octaves.
func (b *Belief) centre() (octaves float64) {
	total := 0.0
	for j, p := range b {
		octaves += float64(p*float64(j-maxTruth)) / PerOctave
		total += p
	}
	return octaves / total
}

// shift returns by how much the tails of both classes move the blend, in octaves, and new connections' share of the time
// with their tail: log2(w 2^(new+t) + (1-w) 2^(reused+s)) is a shift of the blend with another w.
func (m *Model) shift(e *Evidence, centres *[Classes]Belief, newShare float64) (octaves, share float64) {
	var tails [Classes]float64
	for class := range tails {
		t := &m.Tails[class]
		tails[class] = t.All
		if n := e.n[class]; n > 0 && t.Keep > 0 {
			own := Log2(e.plus[class]/e.minus[class]) - float64(2*centres[class].centre())
			tails[class] += float64((own - t.All) * (n / (n + t.Keep)))
		}
	}
	fresh := float64(newShare * Exp2(tails[New]))
	all := fresh + float64((1-newShare)*Exp2(tails[Reused]))
	return Log2(all), fresh / all
}
