package evaluate

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// row is one population behind one resolver in one pane that counts, as the definitions of the figures speak of it.
type row struct {
	weight                             float64
	direct, chosen, oracle, harmless   float64
	directNow, chosenNow, oracleNow    float64
	directReused, chosenReused         float64
	directDead, chosenDead, offDefault bool
	directGone, chosenGone             bool // in that pane
}

// TestFiguresAreWhatTheirDefinitionsSay compares what accounts add up with a slow computation, by the definitions, from a
// list of everybody in every pane.
func TestFiguresAreWhatTheirDefinitionsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, script := drawWorld(t)
		got := scripted(f, script)
		rows := list(f, script)
		want := slow(rows)
		for figure, v := range want {
			if tolerance := map[bool]float64{true: 0.012, false: 1e-9}[figure >= RegretP50 && figure <= RegretP99]; !near(got[figure], v, tolerance) {
				t.Fatalf("%s is %v, want %v", figure, got[figure], v)
			}
		}
	})
}

func near(a, b, tolerance float64) bool {
	return math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= tolerance*max(1, math.Abs(b))
}

// drawWorld returns a small world and, by pane and resolver, the path that a rule has it on.
func drawWorld(t *rapid.T) (*fake, [][]uint8) {
	panes, resolvers, paths := rapid.IntRange(1, 4).Draw(t, "panes"), rapid.IntRange(1, 4).Draw(t, "resolvers"), rapid.IntRange(2, 4).Draw(t, "paths")
	f := newFake(panes, resolvers, paths)
	f.layout.ByMean = rapid.Bool().Draw(t, "by mean")
	f.layout.Populations = 3
	from := rapid.IntRange(1, panes).Draw(t, "scored from")
	f.layout.Scored = func(pane int) bool { return pane >= from }
	total := 0.0
	for i := range f.layout.Resolvers {
		r := &f.layout.Resolvers[i]
		r.Shares = nil
		for p := range 3 {
			if w := rapid.IntRange(0, 5).Draw(t, "weight"); w > 0 || p == 2 && r.Shares == nil {
				weight := odd(w+1) * (1 + 0.0177*float64(3*i+p)) // no half is exact, either
				r.Shares = append(r.Shares, Share{Population: p, Weight: weight})
				total += weight
			}
		}
	}
	for i := range f.layout.Resolvers {
		for j := range f.layout.Resolvers[i].Shares {
			f.layout.Resolvers[i].Shares[j].Weight /= total
		}
	}
	truths := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Truth {
		return Truth{
			New: odd(rapid.IntRange(20, 90).Draw(t, "new")), Reused: odd(rapid.IntRange(10, 40).Draw(t, "reused")),
			Fails: odd(rapid.IntRange(0, 6).Draw(t, "fails")) / 10,
		}
	}), 3*paths*(panes+1), 3*paths*(panes+1)).Draw(t, "truth")
	f.truth = func(population, path, pane int) Truth { return truths[(pane*3+population)*paths+path] }
	script := make([][]uint8, panes+1)
	for pane := range script {
		script[pane] = make([]uint8, resolvers)
		for i := range script[pane] {
			script[pane][i] = uint8(rapid.IntRange(0, paths-1).Draw(t, "path"))
		}
	}
	return f, script
}

// odd returns about n: whole numbers lie on the very limits of harm, and rounding then decides.
func odd(n int) float64 { return 0.97*float64(n) + 0.0313 }

// scripted returns the figures of a rule that has resolvers where the script says.
func scripted(f *fake, script [][]uint8) Figures {
	resolvers := len(f.layout.Resolvers)
	n := &lane{world: f, layout: &f.layout, rules: []*rule{newRule(Policy, resolvers, nil)}, pipeline: &pipeline{placed: newPlaced(&f.layout)}}
	n.outages = newOutages(&f.layout, n.rules, nil)
	b := newBench(n)
	for pane, paths := range script {
		for i, path := range paths {
			n.rules[0].set(i, path)
		}
		b.look(pane)
	}
	return b.result(1, nil).Rules[Policy]
}

// list returns everybody in every pane that counts.
func list(f *fake, script [][]uint8) (rows []row) {
	mix := func(t Truth) float64 { return (t.New + t.Reused + t.Reused) / 3 }
	mean := func(population, path int, of func(Truth) float64) float64 {
		sum, n := of(f.truth(population, path, 0)), 1.0
		for pane := 1; pane <= f.layout.Panes; pane++ {
			if f.layout.Scored(pane) {
				sum, n = sum+of(f.truth(population, path, pane)), n+1
			}
		}
		return sum / n
	}
	for pane := 1; pane <= f.layout.Panes; pane++ {
		if !f.layout.Scored(pane) {
			continue
		}
		now := func(population int, path uint8, of func(Truth) float64) float64 {
			return of(f.truth(population, int(path), pane))
		}
		truth := now
		if f.layout.ByMean {
			truth = func(population int, path uint8, of func(Truth) float64) float64 {
				return mean(population, int(path), of)
			}
		}
		fails := func(t Truth) float64 { return t.Fails }
		for i, r := range f.layout.Resolvers {
			choose := func(cost func(int, uint8, func(Truth) float64) float64, harmless bool) (best uint8) {
				dead := func(population int, path uint8) bool { return cost(population, path, fails) > 0.5 }
				least, found := 0.0, false
				for path := range uint8(len(f.layout.Paths)) {
					sum, all, gone, harm := 0.0, 0.0, 0.0, false
					for _, s := range r.Shares {
						c, d := cost(s.Population, path, mix), cost(s.Population, 0, mix)
						sum, all = sum+s.Weight*c, all+s.Weight
						if dead(s.Population, path) {
							gone += s.Weight
						}
						if !dead(s.Population, 0) && (dead(s.Population, path) || c-d > 2 && c > 1.05*d) {
							harm = true
						}
					}
					if gone > all/2 || harmless && harm && path > 0 {
						continue
					}
					if !found || sum < least {
						best, least, found = path, sum, true
					}
				}
				return best
			}
			oracle, harmless, oracleNow := choose(truth, false), choose(truth, true), choose(now, false)
			path := script[pane][i]
			reusedOnly := func(t Truth) float64 { return t.Reused }
			for _, s := range r.Shares {
				p := s.Population
				one := row{
					weight: s.Weight,
					direct: truth(p, 0, mix), chosen: truth(p, path, mix), oracle: truth(p, oracle, mix), harmless: truth(p, harmless, mix),
					directNow: now(p, 0, mix), chosenNow: now(p, path, mix), oracleNow: now(p, oracleNow, mix),
					directReused: truth(p, 0, reusedOnly), chosenReused: truth(p, path, reusedOnly), offDefault: path != 0,
					directDead: truth(p, 0, fails) > 0.5, chosenDead: truth(p, path, fails) > 0.5,
					directGone: now(p, 0, fails) > 0.5, chosenGone: now(p, path, fails) > 0.5,
				}
				if one.chosenGone {
					one.chosenNow = 16 * one.direct
				}
				if now(p, oracleNow, fails) > 0.5 {
					one.oracleNow = 16 * one.direct
				}
				rows = append(rows, one)
			}
		}
	}
	return rows
}

// slow computes figures from the list.
func slow(rows []row) map[Figure]float64 {
	all, failed := 0.0, 0.0
	var alive, aliveNow []row
	for _, r := range rows {
		all += r.weight
		if r.chosenGone {
			failed += r.weight
		}
		if !r.directDead {
			alive = append(alive, r)
		}
		if !r.directGone {
			aliveNow = append(aliveNow, r)
		}
	}
	over := func(rows []row, of func(row) float64) float64 {
		sum, weight := 0.0, 0.0
		for _, r := range rows {
			sum, weight = sum+r.weight*of(r), weight+r.weight
		}
		return sum / weight
	}
	mean := func(of func(row) float64) float64 { return over(alive, of) }
	one := func(yes bool) float64 {
		if yes {
			return 1
		}
		return 0
	}
	when := func(is func(row) bool) float64 { return mean(func(r row) float64 { return one(is(r)) }) }
	ratio := func(a, b float64) float64 {
		if math.Abs(b) < 1e-7 {
			return math.NaN()
		}
		return a / b
	}
	var regret []weighted
	for _, r := range alive {
		regret = append(regret, weighted{max(0, r.chosen-r.oracle), r.weight})
	}
	chosen, direct := mean(func(r row) float64 { return r.chosen }), mean(func(r row) float64 { return r.direct })
	return map[Figure]float64{
		MeanMs:         chosen,
		GainCaptured:   ratio(direct-chosen, direct-mean(func(r row) float64 { return r.oracle })),
		GainOfHarmless: ratio(direct-chosen, direct-mean(func(r row) float64 { return r.harmless })),
		GainInstant: ratio(over(aliveNow, func(r row) float64 { return r.directNow - r.chosenNow }),
			over(aliveNow, func(r row) float64 { return r.directNow - r.oracleNow })),
		HarmedShare: when(func(r row) bool { return r.chosenDead || r.chosen-r.direct > 2 && r.chosen > 1.05*r.direct }),
		HarmedInstant: over(aliveNow, func(r row) float64 {
			return one(r.chosenGone || r.chosenNow-r.directNow > 2 && r.chosenNow > 1.05*r.directNow)
		}),
		SlowerOnReused: when(func(r row) bool { return r.chosenReused > r.directReused }),
		MovedShare:     when(func(r row) bool { return r.offDefault }),
		FailedShare:    failed / all,
		RegretP50:      quantile(regret, 0.5),
		RegretP90:      quantile(regret, 0.9),
		RegretP99:      quantile(regret, 0.99),
	}
}
