package posterior

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestExp2AndLog2AreThoseOfMath(t *testing.T) {
	for x := -20.0; x < 20; x += 0.0137 {
		if got, want := Exp2(x), math.Exp2(x); math.Abs(got/want-1) > 1.2e-7 {
			t.Fatalf("2^%g is %g, want %g", x, got, want)
		}
		y := math.Exp2(x)
		if got := Log2(y); math.Abs(got-x) > 1.2e-7 {
			t.Fatalf("log2 %g is %g, want %g", y, got, x)
		}
	}
}

// random returns a belief with a peak somewhere.
func random(r *rand.Rand) (b Belief) {
	at, width := r.Float64()*Size, 0.5+3*r.Float64()
	for k := range b {
		z := (float64(k) - at) / width
		b[k] = math.Exp(-z*z/2) + 1e-4
	}
	return b
}

func (k Kinship) slowly(from, to int, base *Belief) float64 {
	// what near does, as a sum over a kernel that is cut off at the grid's ends
	c := (1 - k.Spread) / (1 + k.Spread)
	return (1-k.Apart)*c*math.Pow(k.Spread, math.Abs(float64(from-to))) + k.Apart*base[to]
}

// TestPoolIsExact compares Pool with the sum over every combination of ratios, on a tree of two prefixes with three
// members, on a coarse grid: all but few cells of the base are nearly impossible.
func TestPoolIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	cells := []int{4, 9, 15, 18, 26}
	for range 20 {
		var base Belief
		for _, c := range cells {
			base[c] = 0.1 + r.Float64()
		}
		base.Normalize()
		k := Kin{Kinship{0.05 + 0.5*r.Float64(), 0}, Kinship{0.05 + 0.5*r.Float64(), 0}} // 0: near is the same
		var m []*Likelihood
		for range 3 {
			b := random(r)
			l := b.Pack()
			m = append(m, &l)
		}
		var got collected
		pooler := Pooler{Kin: k}
		pooler.Pool(&base, []Prefix{{Cells: m[:2]}, {Cells: m[2:]}}, &got)

		var want [3]Belief
		for _, n := range cells {
			for _, p0 := range cells {
				for _, p1 := range cells {
					for _, a := range cells {
						for _, b := range cells {
							for _, c := range cells {
								x := base[n] * k.Network.slowly(n, p0, &base) * k.Network.slowly(n, p1, &base) *
									k.Prefix.slowly(p0, a, &base) * k.Prefix.slowly(p0, b, &base) * k.Prefix.slowly(p1, c, &base) *
									float64(m[0][a]) * float64(m[1][b]) * float64(m[2][c])
								want[0][a] += x
								want[1][b] += x
								want[2][c] += x
							}
						}
					}
				}
			}
		}
		for i := range want {
			want[i].Normalize()
			for c := range want[i] {
				if got := got[i][c]; math.Abs(got-want[i][c]) > 1e-9 {
					t.Fatalf("cell %d, ratio %d: %g, want %g", i, c, got, want[i][c])
				}
			}
		}
	}
}

// collected is the posteriors of all cells in order.
type collected []Belief

func (c *collected) Cell(_, _ int, _, posterior *Belief) { *c = append(*c, *posterior) }
func (c *collected) Prefix(int, *Belief, *Belief)        {}

func TestNearIsATwoSidedGeometricKernel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, spread := range []float64{0, 0.02, 0.3, 0.8} {
		b := random(r)
		var got Belief
		Kinship{Spread: spread}.near(&got, &b)
		for to := range got {
			want := 0.0
			for from := range b {
				want += b[from] * Kinship{Spread: spread}.slowly(from, to, &b)
			}
			if math.Abs(got[to]-want) > 1e-12 {
				t.Fatalf("spread %g, cell %d: %g, want %g", spread, to, got[to], want)
			}
		}
	}
}

// gauss draws cells whose ratios of one class scatter by a normal law about a truth in octaves.
func gauss(r *rand.Rand, truth, sigma float64, n int) (c Counts) {
	for range n {
		bin := math.Floor((truth+sigma*r.NormFloat64())*PerOctave + 0.5)
		c[int(max(-MaxBin, min(MaxBin, bin)))+MaxBin]++
	}
	return c
}

func TestLearnLawFindsTheScatter(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var cells []Counts
	for range 400 {
		cells = append(cells, gauss(r, r.Float64()*2-1, 0.4, 10))
	}
	law, _ := LearnLaw(cells)
	var mean, variance float64
	for i, p := range law.density {
		x := float64(i-maxOffset) / PerOctave
		mean += p * x
		variance += p * x * x
	}
	if math.Abs(mean) > 1e-9 {
		t.Errorf("mean %g", mean)
	}
	if sigma := math.Sqrt(variance); sigma < 0.36 || sigma > 0.5 {
		t.Errorf("scatter %g octaves, want 0.4 and a little more", sigma)
	}
}

// TestLikelihoodAgreesWithIntegration compares the likelihood of a blend with an integral over both classes' truths.
func TestLikelihoodAgreesWithIntegration(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	m := UnknownModel()
	g := NewGrid(50_000)
	for range 20 {
		c := [Classes]Counts{gauss(r, r.Float64()-0.7, 0.3, 2), gauss(r, r.Float64()-0.5, 0.3, 4)}
		var e Evidence
		for class := range c {
			for i, n := range c[class] {
				if n > 0 {
					m.Add(&e, class, i-MaxBin, n)
				}
			}
		}
		w := float64(32+r.IntN(20)) / blendSteps
		got := m.Likelihood(g, &e, w)
		got.Normalize()

		var num, den Belief
		width := 1.0 / PerOctave
		likelihood := func(class, truth int) float64 {
			x := 1.0
			for i, n := range c[class] {
				x *= math.Pow(m.Laws[class].density[i-MaxBin-truth+maxOffset], n)
			}
			return x
		}
		for a := -maxTruth; a <= maxTruth; a++ {
			for b := -maxTruth; b <= maxTruth; b++ {
				blend := math.Log2(w*math.Exp2(float64(a)*width) + (1-w)*math.Exp2(float64(b)*width))
				couple := m.Couple[a-b+2*maxTruth]
				for k := range num { // a triangle about the grid's cell
					near := 1 - math.Abs(blend-(float64(k-maxTruth)*width))/width
					if near > 0 {
						num[k] += near * couple * likelihood(New, a) * likelihood(Reused, b)
						den[k] += near * couple / Size / Size
					}
				}
			}
		}
		for k := range num {
			num[k] /= den[k] + 1e-9
		}
		want := onGrid(g, &num, 0)
		want.Normalize()
		for k := range want {
			if math.Abs(got[k]-want[k]) > 1e-4 {
				t.Fatalf("cell %d: %g, want %g", k, got[k], want[k])
			}
		}
	}
}

func TestTailOnOnePathIsSeen(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	const share, factor = 0.08, 8
	var cells [][Classes]Counts
	for range 300 {
		var c [Classes]Counts
		truth := r.Float64() - 0.5
		for class := range c {
			c[class] = gauss(r, truth, 0.2, 12)
			for range 12 {
				x := truth + 0.2*r.NormFloat64()
				if r.Float64() < share {
					x += math.Log2(factor)
				}
				c[class][int(max(-MaxBin, min(MaxBin, math.Floor(x*PerOctave+0.5))))+MaxBin]++
			}
		}
		cells = append(cells, c)
	}
	m := Learn(cells)
	want := math.Log2(1 + share/2*(factor-1)) // half of the requests have the tail
	for class := range m.Tails {
		if got := m.Tails[class].All; math.Abs(got-want) > 0.12 {
			t.Errorf("class %d: tail of %.3f octaves, want about %.3f", class, got, want)
		}
	}
}

func TestAboveSplitsACell(t *testing.T) {
	g := NewGrid(50_000)
	b := Even()
	for _, c := range []struct{ octaves, want float64 }{
		{g.edge, 16.0 / Size},
		{0, 16.0 / Size}, // below the edge: the edge
		{g.edge + 0.5/PerOctave, 15.5 / Size},
		{g.edge + 3.25/PerOctave, 12.75 / Size},
		{g.edge + 10, 0},
	} {
		if got := g.Above(&b, c.octaves); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("above %g: %g, want %g", c.octaves, got, c.want)
		}
	}
}

func TestQuantileAndSaved(t *testing.T) {
	g := NewGrid(50_000)
	var b Belief
	b[10], b[11] = 0.5, 0.5
	if got, want := g.Quantile(&b, 0.75), g.centres[11]; math.Abs(got-want) > 1e-12 {
		t.Errorf("quantile %g, want %g", got, want)
	}
	want := 1 - (math.Exp2(g.centres[10])+math.Exp2(g.centres[11]))/2
	if got := g.Saved(&b); math.Abs(got-want) > 1e-6 {
		t.Errorf("saved %g, want %g", got, want)
	}
}

func TestAGroupThatMisleadsIsPooledLess(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	model, g := UnknownModel(), NewGrid(50_000)
	networks := func(same bool) (list []*Network) {
		for range 60 {
			n := &Network{}
			place := r.Float64()*2 - 1
			for range 3 {
				p := Prefix{Runs: 48}
				for range 6 {
					truth := place
					if !same {
						truth = r.Float64()*2 - 1
					}
					c := gauss(r, truth, 0.2, 8)
					var e Evidence
					for i, k := range c {
						if k > 0 {
							model.Add(&e, New, i-MaxBin, k)
							model.Add(&e, Reused, i-MaxBin, k)
						}
					}
					b := model.Likelihood(g, &e, 0.5)
					l := b.Pack()
					p.Cells = append(p.Cells, &l)
				}
				n.Prefixes = append(n.Prefixes, p)
			}
			list = append(list, n)
		}
		return list
	}
	for _, c := range []struct {
		same bool
		ok   func(Kin) bool
	}{
		{true, func(k Kin) bool { return k.Prefix.Apart <= 0.1 && k.Network.Apart <= 0.1 }},
		{false, func(k Kin) bool { return k.Prefix.Apart >= 0.3 }},
	} {
		list := networks(c.same)
		kin := UnknownKin()
		b := LearnBases(kin, 1, list)
		if got := LearnKin(b, list); !c.ok(got) {
			t.Errorf("same %t: learnt %+v", c.same, got)
		}
	}
}

func BenchmarkPool(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	var prefixes []Prefix
	const n = 1000
	for range n / 10 {
		var p Prefix
		for range 10 {
			x := random(r)
			l := x.Pack()
			p.Cells = append(p.Cells, &l)
		}
		prefixes = append(prefixes, p)
	}
	pooler := Pooler{Kin: UnknownKin()}
	base := wide()
	for b.Loop() {
		pooler.Pool(&base, prefixes, &marginal{prefixes: prefixes})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/cell")
}

func BenchmarkLikelihood(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	m, g := UnknownModel(), NewGrid(50_000)
	c := [Classes]Counts{gauss(r, -0.3, 0.5, 7), gauss(r, -0.2, 0.5, 14)}
	var e Evidence
	for b.Loop() {
		e.Reset()
		for class := range c {
			for i, n := range c[class] {
				if n > 0 {
					m.Add(&e, class, i-MaxBin, n)
				}
			}
		}
		m.Likelihood(g, &e, 0.6)
	}
}
