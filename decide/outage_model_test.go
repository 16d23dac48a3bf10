package decide

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/control"
)

func testModel(base float64) *model {
	m := new(model)
	p := control.DefaultPolicy()
	m.use(&p.Reachability)
	m.quiet = []*table{newQuiet(base, m)}
	return m
}

// integrate by Simpson's rule, after a substitution that tames a pole of a density at 0: x = from + (to-from) y^8.
func integrate(from, to float64, f func(float64) float64) float64 {
	const steps = 20_000
	sum := 0.0
	for i := range steps + 1 {
		y := float64(i) / steps
		weight := [2]float64{2, 4}[i%2]
		if i == 0 || i == steps {
			weight = 1
		}
		if slope := 8 * math.Pow(y, 7) * (to - from); slope > 0 {
			sum += weight * slope * f(from+(to-from)*math.Pow(y, 8))
		}
	}
	return sum / steps / 3
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.Abs(got-want) > within*max(want, 1e-300) {
		t.Errorf("%s: %g, integration gives %g", what, got, want)
	}
}

func TestTablesByIntegration(t *testing.T) {
	const base = 0.02
	m := testModel(base)
	for _, c := range [][2]int{{0, 0}, {1, 0}, {1, 1}, {3, 1}, {5, 5}, {10, 3}, {40, 0}, {40, 12}, {40, 40}} {
		n, k := c[0], c[1]
		outcome := func(x float64) float64 { return math.Pow(x, float64(k)) * math.Pow(1-x, float64(n-k)) }
		near(t, "above", m.above[n][k], integrate(m.down, 1, outcome)/(1-m.down), 1e-6)
		near(t, "below", m.below[n][k], integrate(0, m.down, outcome)/m.down, 1e-6)
		near(t, "works", m.works[n][k], integrate(0, m.up, outcome)/m.down, 1e-6)
		a, b := base*alike, (1-base)*alike
		norm := math.Exp(logBeta(a, b))
		usual := integrate(0, 1, func(x float64) float64 {
			return math.Pow(x, a-1) * math.Pow(1-x, b-1) / norm * outcome(x)
		})
		near(t, "quiet", m.quiet[0][n][k], (1-trifle)*usual+trifle*m.below[n][k], 1e-3)
	}
}

// The posterior is what drawing from the prior, and keeping the draws that gave what was met, would give: here by summing
// over a grid of error rates before and after every change point.
func TestPosteriorByBruteForce(t *testing.T) {
	const base, chance, grid = 0.05, 0.2, 400
	m := testModel(base)
	a, b := base*alike, (1-base)*alike
	// prior masses of error rates in each state
	var quietMass, outageMass, rates [grid]float64
	norm, sums := math.Exp(logBeta(a, b)), [2]float64{}
	for i := range grid {
		x := math.Pow((float64(i)+0.5)/grid, 6) // fine near 0, where quiet rates are
		width := math.Pow(float64(i+1)/grid, 6) - math.Pow(float64(i)/grid, 6)
		rates[i] = x
		quietMass[i] = (1 - trifle) * math.Pow(x, a-1) * math.Pow(1-x, b-1) / norm * width
		if x < m.down {
			quietMass[i] += trifle * width / m.down
		} else {
			outageMass[i] = width / (1 - m.down)
		}
		sums[0], sums[1] = sums[0]+quietMass[i], sums[1]+outageMass[i]
	}
	likely := func(mass *[grid]float64, sum float64, list []attempt) (p float64) {
		n, k := 0, 0
		for _, a := range list {
			n, k = n+int(a.runs), k+int(a.failed())
		}
		for i, x := range rates {
			p += mass[i] / sum * math.Pow(x, float64(k)) * math.Pow(1-x, float64(n-k))
		}
		return p
	}
	for _, c := range [][]attempt{
		{{runs: 1, tries: 3, failures: 3}},
		{{runs: 1, tries: 3}},
		{{runs: 2, tries: 6}, {runs: 1, tries: 3}, {runs: 1, tries: 3, failures: 3}},
		{{runs: 2, tries: 6, failures: 6}, {runs: 3, tries: 9}},
		{{runs: 4, tries: 12, failures: 6}, {runs: 4, tries: 12, failures: 6}},
		{{runs: 5, tries: 15}, {runs: 2, tries: 6, failures: 6}, {runs: 5, tries: 15}},
	} {
		calm := func(l []attempt) float64 { return likely(&quietMass, sums[0], l) }
		bad := func(l []attempt) float64 { return likely(&outageMass, sums[1], l) }
		total, down := (1-chance)*calm(c), 0.0
		for i := range c {
			began := chance / float64(len(c)) * calm(c[:i]) * bad(c[i:])
			down, total = down+began, total+began
			if i > 0 {
				total += chance / float64(len(c)) * bad(c[:i]) * calm(c[i:])
			}
		}
		if got, want := m.judge(c, 0, chance).down, down/total; math.Abs(got-want) > 0.002 {
			t.Errorf("%v: down with %.4f, by brute force %.4f", c, got, want)
		}
	}
}

func TestPosteriorIsAProbability(t *testing.T) {
	m := testModel(0.001)
	rapid.Check(t, func(t *rapid.T) {
		var list []attempt
		for range rapid.IntRange(0, 5).Draw(t, "attempts") {
			a := attempt{runs: rapid.Uint32Range(0, 200).Draw(t, "runs"), tries: rapid.Uint32Range(1, 600).Draw(t, "tries")}
			a.failures = rapid.Uint32Range(0, a.tries).Draw(t, "failures")
			list = append(list, a)
		}
		chance := rapid.Float64Range(rarely, certain).Draw(t, "chance")
		p := m.judge(list, 0, chance)
		if !(p.down >= 0 && p.works >= 0 && p.down+p.works <= 1+1e-9) {
			t.Fatalf("%+v", p)
		}
		if more := m.judge(list, 0, min(chance+0.01, 0.99)); more.down < p.down-1e-12 {
			t.Fatalf("a chance of %g makes it %g, one above that %g", chance, p.down, more.down)
		}
	})
}

// A group of which many see a path fail expects it to be down for about that share; one that sees no more of it than
// usual expects next to nothing.
func TestPool(t *testing.T) {
	m := testModel(0.0005)
	for _, c := range []struct {
		seen, bad int32
		around    float64
		low, high float64
	}{
		{0, 0, rarely, rarely, 0.0011}, // what is expected around it
		{0, 0, 0.3, 0.29, 0.31},
		{100, 0, 0.3, rarely, 0.02},
		{60, 20, rarely, 0.30, 0.36},
		{60, 60, rarely, 0.95, certain},
		{2000, 1, rarely, rarely, 0.0006},
		{2000, 60, rarely, 0.02, 0.032},
		{300_000, 150, rarely, rarely, 0.0006}, // the base rate
		{300_000, 100_000, rarely, 0.3, 0.35},
		{1_000_000, 1_000_000, 0.9, 0.97, certain},
	} {
		if got := m.pool(tallied{c.seen, c.bad}, c.around, 0); got < c.low || got > c.high {
			t.Errorf("%d of %d, %g around it: %g, want %g to %g", c.bad, c.seen, c.around, got, c.low, c.high)
		}
	}
}

func TestRatioByLogGamma(t *testing.T) {
	for _, c := range []struct {
		n, k       int
		a, b, c, d float64
	}{{0, 0, 1, 1, 2, 3}, {5, 2, 1, 1, 0.05, 99.95}, {64, 64, 1.9, 0.1, 0.05, 99.95}, {400, 3, 1, 1, 0.05, 99.95}, {4000, 40, 1, 1, 5, 95}} {
		k, n := float64(c.k), float64(c.n)
		want := logBeta(c.a+k, c.b+n-k) - logBeta(c.a, c.b) - logBeta(c.c+k, c.d+n-k) + logBeta(c.c, c.d)
		if got := math.Log(ratio(c.n, c.k, c.a, c.b, c.c, c.d)); math.Abs(got-want) > 1e-6*max(1, math.Abs(want)) {
			t.Errorf("%+v: e^%g, want e^%g", c, got, want)
		}
	}
	if got := ratio(100_000, 100_000, 1, 1, 0.05, 99.95); got != huge {
		t.Errorf("beyond all bounds: %g", got)
	}
	if got := ratio(4000, 2000, 0.001, 0.001, 1e6, 1e6); got <= 0 || got >= 1 {
		t.Errorf("%g", got)
	}
}

func logBeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}
