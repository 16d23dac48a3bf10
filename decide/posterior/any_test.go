package posterior

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// What nobody meant is read, pooled and learnt from: nothing becomes infinite, or no number.

func sound(t *rapid.T, what string, list ...float64) {
	for i, x := range list {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			t.Fatalf("%s: %g at %d", what, x, i)
		}
	}
}

func soundBelief(t *rapid.T, what string, b *Belief) {
	sound(t, what, b[:]...)
	for k, x := range b {
		if x < 0 {
			t.Fatalf("%s: %g at %d", what, x, k)
		}
	}
	if !(b.Sum() > 0) {
		t.Fatalf("%s is 0 everywhere", what)
	}
}

// drawCounts makes up a histogram: nothing, one bin, extreme ones, enormous or tiny weights.
func drawCounts(r *rand.Rand) (c Counts) {
	for range r.IntN(6) {
		bin := r.IntN(Bins)
		switch r.IntN(4) {
		case 0:
			bin = 0
		case 1:
			bin = Bins - 1
		}
		c[bin] += [...]float64{1e-9, 1.0 / 64, 1, 3, 50, 1e4, 1e9}[r.IntN(7)]
	}
	return c
}

func drawCells(r *rand.Rand) [][Classes]Counts {
	cells := make([][Classes]Counts, r.IntN(60))
	only := r.IntN(4)
	for i := range cells {
		for class := range cells[i] {
			if only != class {
				cells[i][class] = drawCounts(r)
			}
		}
	}
	return cells
}

func drawNumbers(t *rapid.T) *rand.Rand {
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
}

func TestAnyEvidenceHasALikelihood(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawNumbers(t)
		m := Learn(drawCells(r))
		for class := range m.Laws {
			sound(t, "law", m.Laws[class].density[:]...)
			sound(t, "law's variance", m.Laws[class].Variance())
			sound(t, "tail", m.Tails[class].All, m.Tails[class].Keep)
		}
		sound(t, "couple", m.Couple[:]...)
		grid := NewGrid([...]int{0, 50_000, 1_000_000}[r.IntN(3)])
		for range 20 {
			var e Evidence
			for class := range Classes {
				for bin, n := range drawCounts(r) {
					if n > 0 {
						m.Add(&e, class, bin-MaxBin, n)
					}
				}
			}
			b := m.Likelihood(grid, &e, [...]float64{0, 1, 0.5, r.Float64()}[r.IntN(4)])
			soundBelief(t, "likelihood", &b)
			kept := b.Pack()
			sound(t, "mean", grid.Mean(&kept))
			b.Normalize()
			sound(t, "figures", grid.Saved(&b), grid.Above(&b, r.Float64()*5), grid.Quantile(&b, r.Float64()))
		}
	})
}

// drawNetworks makes up networks of likelihoods that contradict each other as much as they can.
func drawNetworks(r *rand.Rand) (networks []*Network, countries int) {
	countries = 1 + r.IntN(3)
	for range r.IntN(6) {
		n := &Network{Country: r.IntN(countries)}
		for range 1 + r.IntN(4) {
			var p Prefix
			for range 1 + r.IntN(40) {
				b := random(r)
				if r.IntN(2) == 0 { // certain
					b = Belief{}
					b[r.IntN(Size)] = 1
					for k := range b {
						b[k] += floor
					}
				}
				l := b.Pack()
				p.Cells = append(p.Cells, &l)
			}
			p.Runs = [...]float64{0, 1, 1e6}[r.IntN(3)]
			n.Prefixes = append(n.Prefixes, p)
		}
		networks = append(networks, n)
	}
	return networks, countries
}

// checker looks at all that Pool says.
type checker struct {
	t   *rapid.T
	all [][]Belief // by prefix, its cells
}

func (c *checker) Cell(prefix, _ int, prior, posterior *Belief) {
	soundBelief(c.t, "prior", prior)
	soundBelief(c.t, "posterior", posterior)
	for len(c.all) <= prefix {
		c.all = append(c.all, nil)
	}
	c.all[prefix] = append(c.all[prefix], *posterior)
}

func (c *checker) Prefix(_ int, mean, next *Belief) {
	soundBelief(c.t, "mean", mean)
	soundBelief(c.t, "next", next)
}

func TestAnyNetworksTeach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawNumbers(t)
		networks, countries := drawNetworks(r)
		b := LearnBases(UnknownKin(), countries, networks)
		soundBelief(t, "world", &b.World)
		k := LearnKin(b, networks)
		b = LearnBases(k, countries, networks)
		soundBelief(t, "world", &b.World)
		for _, n := range networks {
			base := b.Of(n)
			soundBelief(t, "base", &base)
			p := Pooler{Kin: k}
			p.Pool(&base, n.Prefixes, &checker{t: t})
		}
	})
}

// TestPoolKnowsNoOrder pools a network, and the same with its prefixes and their cells in another order.
func TestPoolKnowsNoOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawNumbers(t)
		networks, _ := drawNetworks(r)
		base := random(r)
		base.Normalize()
		for _, n := range networks {
			p := Pooler{Kin: Kin{Kinship{apart[r.IntN(len(apart))], spread[r.IntN(len(spread))]}, Kinship{apart[r.IntN(len(apart))], spread[r.IntN(len(spread))]}}}
			want, got := checker{t: t}, checker{t: t}
			p.Pool(&base, n.Prefixes, &want)
			order := r.Perm(len(n.Prefixes))
			cells := make([][]int, len(order))
			shuffled := make([]Prefix, len(order))
			for i, from := range order {
				cells[i] = r.Perm(len(n.Prefixes[from].Cells))
				for _, c := range cells[i] {
					shuffled[i].Cells = append(shuffled[i].Cells, n.Prefixes[from].Cells[c])
				}
			}
			p.Pool(&base, shuffled, &got)
			for i, from := range order {
				for j, c := range cells[i] {
					for k, x := range got.all[i][j] {
						if y := want.all[from][c][k]; math.Abs(x-y) > 1e-9 {
							t.Fatalf("prefix %d, cell %d: %g at %d, in another order %g", from, c, y, k, x)
						}
					}
				}
			}
		}
	})
}
