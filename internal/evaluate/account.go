package evaluate

import (
	"math"
)

// account adds up what a rule makes of the users, over the panes that count: of those whom the default path reaches, since
// nobody is made slower than by no answer.
type account struct {
	weight, direct, oracle, harmless, chosen float64 // ms by users
	harmed, slowerReused, moved              float64
	regret                                   distribution

	weightNow, directNow, oracleNow, chosenNow, harmedNow float64 // by the truth of the pane

	all, failed float64 // of everybody
}

// moment is a pane that counts.
type moment struct {
	truth, now costs
	oracle     []uint8 // by resolver: the best path by truth
	harmless   []uint8
	oracleNow  []uint8 // the best by the truth of the pane
}

// moment returns what is true in a pane. mean is nil unless figures are taken against it.
func momentOf(w World, pane int, mean costs) *moment {
	l := w.Layout()
	m := &moment{now: costsOf(w, pane)}
	m.truth = m.now
	if mean != nil {
		m.truth = mean
	}
	for i := range l.Resolvers {
		r := &l.Resolvers[i]
		m.oracle = append(m.oracle, best(r, m.truth, false))
		m.harmless = append(m.harmless, best(r, m.truth, true))
		m.oracleNow = append(m.oracleNow, best(r, m.now, false))
	}
	return m
}

// count adds the users of a resolver that is on a path.
func (a *account) count(m *moment, i int, r *Resolver, path uint8) {
	for _, s := range r.Shares {
		now := m.now[s.Population]
		a.all += s.Weight
		if now[path].dead {
			a.failed += s.Weight
		}
		if !now[0].dead {
			a.countNow(m, s, int(m.oracleNow[i]), int(path))
		}
		truth := m.truth[s.Population]
		if truth[0].dead {
			continue
		}
		direct, chosen, oracle := truth[0].mixed, truth[path].mixed, truth[m.oracle[i]].mixed
		a.weight += s.Weight
		a.direct += s.Weight * direct
		a.oracle += s.Weight * oracle
		a.harmless += s.Weight * truth[m.harmless[i]].mixed
		a.chosen += s.Weight * chosen
		a.regret.add(chosen-oracle, s.Weight)
		if path != 0 {
			a.moved += s.Weight
		}
		if harms(truth, int(path)) {
			a.harmed += s.Weight
		}
		if truth[path].reused > truth[0].reused {
			a.slowerReused += s.Weight
		}
	}
}

// countNow adds users by the truth of the pane. Who gets no answer, although there is one, waits as long as a request may
// count.
func (a *account) countNow(m *moment, s Share, oracle, path int) {
	now := m.now[s.Population]
	waits := func(path int) float64 {
		if now[path].dead {
			return Cap * m.truth[s.Population][0].mixed
		}
		return now[path].mixed
	}
	a.weightNow += s.Weight
	a.directNow += s.Weight * now[0].mixed
	a.oracleNow += s.Weight * waits(oracle)
	a.chosenNow += s.Weight * waits(path)
	if harms(now, path) {
		a.harmedNow += s.Weight
	}
}

// figures puts what was counted into f.
func (a *account) figures(f *Figures) {
	f[GainCaptured] = part(a.direct-a.chosen, a.direct-a.oracle, a.direct)
	f[GainOfHarmless] = part(a.direct-a.chosen, a.direct-a.harmless, a.direct)
	f[GainInstant] = part(a.directNow-a.chosenNow, a.directNow-a.oracleNow, a.directNow)
	f[HarmedShare] = a.harmed / a.weight
	f[HarmedInstant] = a.harmedNow / a.weightNow
	f[SlowerOnReused] = a.slowerReused / a.weight
	f[RegretP50], f[RegretP90], f[RegretP99] = a.regret.quantile(0.5), a.regret.quantile(0.9), a.regret.quantile(0.99)
	f[MeanMs] = a.chosen / a.weight
	f[MovedShare] = a.moved / a.weight
	f[FailedShare] = a.failed / a.all
}

// part is a saving as a part of what there is to save; NaN where that is nothing, but for rounding.
func part(saved, all, of float64) float64 {
	if math.Abs(all) < 1e-9*of {
		return math.NaN()
	}
	return saved / all
}
