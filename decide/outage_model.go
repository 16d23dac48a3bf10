package decide

import (
	"slices"

	"detour/schemas/control"
)

// The error rate of a path, per run, is taken to be a draw from one of two populations. Quiet: a beta distribution around
// the base rate, or, rarely, some nuisance that is no outage, anything below the policy's down_ppm. Down: anything above.
// Which of them is told by the runs, k of n failed: their probability under each is a beta-binomial (J. G. Skellam, A
// probability distribution derived from the binomial distribution by regarding the probability of success as variable
// between the sets of trials, 1948) or an incomplete beta function of integers, which is a binomial sum (Abramowitz and
// Stegun, 26.5.24). All of it is products and sums of a few terms, from tables; the binomial coefficient that all have
// in common is left out.

const (
	mostRuns = 40     // runs: more are scaled down to these, which say all there is to be said
	rarely   = 0.0005 // of resolvers a path is down for, in quiet times
	trifle   = 0.001  // of resolvers with a nuisance
	alike    = 10.0   // runs whose weight the base rate has for a resolver: how much resolvers differ in quiet times
	kindred  = 500.0  // members whose weight it has for a group: how much groups differ
)

// model holds the tables of a policy and, by path, those of a tick.
type model struct {
	down, up     float64
	below, works *table // of the error rate: mass below down, below up, each uniform there
	above        *table // uniform above down
	quiet        []*table
}

// table holds a value for each k of n runs.
type table [mostRuns + 1][mostRuns + 1]float64

// use makes the tables of a policy.
func (m *model) use(p *control.Reachability) {
	m.down, m.up = float64(p.DownPPM)/1e6, float64(p.UpPPM)/1e6
	m.below, m.works, m.above = new(table), new(table), new(table)
	for n := range mostRuns + 1 {
		choose := 1.0 // n over k
		for k := range n + 1 {
			whole := 1 / (float64(n+1) * choose) // ∫ x^k (1-x)^(n-k) over 0..1
			choose = choose * float64(n-k) / float64(k+1)
			m.below[n][k] = float64(whole*tail(n+1, k+1, m.down)) / m.down
			m.works[n][k] = float64(whole*tail(n+1, k+1, m.up)) / m.down
			m.above[n][k] = float64(whole*tail(n+1, n+1-k, 1-m.down)) / (1 - m.down)
		}
	}
}

// tail returns the probability of at least k of n at probability p each.
func tail(n, k int, p float64) (sum float64) {
	term := 1.0
	for range n {
		term *= 1 - p
	}
	for i := range n + 1 {
		if i >= k {
			sum += term
		}
		term = float64(term*p) / (1 - p) * float64(n-i) / float64(i+1)
	}
	return sum
}

// newQuiet returns the probabilities in quiet times at a base rate.
func newQuiet(base float64, m *model) *table {
	t := new(table)
	a, b := float64(base*alike), float64((1-base)*alike)
	for n := range mostRuns + 1 {
		for k := range n + 1 {
			p := 1.0
			for i := range n {
				if i < k {
					p *= (a + float64(i)) / (alike + float64(i))
				} else {
					p *= (b + float64(i-k)) / (alike + float64(i))
				}
			}
			t[n][k] = float64((1-trifle)*p) + float64(trifle*m.below[n][k])
		}
	}
	return t
}

// rate returns the probability that one run fails.
func (t *table) rate() float64 { return t[1][1] }

// runs is a stretch of attempts: how many runs, and how many of these failed. These are counted pane by pane: a timeout now
// and then in many panes is no failed run in any of them.
type runs struct{ n, failed uint64 }

func (s *runs) add(a *attempt) {
	s.n += uint64(a.runs)
	s.failed += uint64(a.failed())
}

// less returns what is left of a stretch without its first part.
func (s *runs) less(head *runs) runs {
	return runs{s.n - head.n, s.failed - head.failed}
}

// of looks up a stretch.
func (t *table) of(s runs) float64 {
	n := min(s.n, mostRuns)
	return t[n][n*s.failed/max(1, s.n)]
}

// verdict is what the attempts on a path say of it, as probabilities.
type verdict struct{ down, works float64 }

// judge returns how likely a path is down now, and how likely it works, given the attempts on it, oldest first, and the
// chance of an outage before these are looked at. An outage may have begun before any of the attempts, and then lasts, or
// ended before any but the first: each is as likely as the others. (A change point between known populations: A. F. M.
// Smith, A Bayesian approach to inference about a change-point in a sequence of random variables, 1975.)
func (m *model) judge(list []attempt, path uint8, chance float64) verdict {
	quiet := m.quiet[path]
	var all, head runs
	count := 0.0
	for i := range list {
		if list[i].path == path {
			all.add(&list[i])
			count++
		}
	}
	if count == 0 {
		return verdict{down: chance}
	}
	var began, ended, works float64
	for i := range list {
		if list[i].path != path {
			continue
		}
		rest := all.less(&head)
		began += float64(quiet.of(head) * m.above.of(rest))
		if head.n > 0 {
			before := m.above.of(head)
			ended += float64(before * quiet.of(rest))
			works += float64(before * m.working(quiet, rest))
		}
		head.add(&list[i])
	}
	began, ended, works = float64(began*chance)/count, float64(ended*chance)/count, float64(works*chance)/count
	total := float64((1-chance)*quiet.of(all)) + began + ended
	works += float64((1 - chance) * m.working(quiet, all))
	return verdict{began / total, works / total}
}

// working is the part of a quiet stretch's probability in which the path works: all but a nuisance above up_ppm.
func (m *model) working(quiet *table, s runs) float64 {
	return quiet.of(s) - float64(trifle*(m.below.of(s)-m.works.of(s)))
}

// again returns how likely a path that was down works, given only what was met on it since, and the chance that it is
// still down.
func (m *model) again(s runs, path uint8, chance float64) float64 {
	quiet := m.quiet[path]
	down, calm := float64(chance*m.above.of(s)), float64((1-chance)*quiet.of(s))
	return float64((1-chance)*m.working(quiet, s)) / (down + calm)
}

func sortTallied(list []tallied) {
	slices.SortFunc(list, func(a, b tallied) int {
		x, y := int64(a.bad)*int64(b.seen), int64(b.bad)*int64(a.seen)
		switch {
		case x != y:
			return int(min(1, max(-1, x-y)))
		case a.seen != b.seen:
			return int(b.seen - a.seen)
		}
		return 0
	})
}

// pool returns the share of a group for which a path is down, given what its members met and the share in the group
// around it. Either something is wrong in this group or not; where it is, the path is down for a part of its members.
// Both parts are beta-binomial, as for a resolver.
func (m *model) pool(met tallied, around float64, path uint8) float64 {
	part := max(0.5, around) // expected, of a group in which something is wrong
	n, k := float64(met.seen), float64(met.bad)
	wrong := around / part
	base := m.quiet[path].rate()
	factor := ratio(int(met.seen), int(met.bad), 2*part, 2*(1-part), float64(base*kindred), float64((1-base)*kindred))
	odds := float64(wrong * factor)
	wrong = odds / (odds + 1 - wrong)
	part = float64(wrong*(k+2*part))/(n+2) + float64((1-wrong)*rarely)
	return min(max(part, rarely), certain)
}

// certain is as sure as a group makes anybody of what happens to one member.
const certain = 0.98

// ratio returns how much more likely k of n are under one beta-binomial than under another: that with parameters a, b by
// that with c, d.
func ratio(n, k int, a, b, c, d float64) float64 {
	if n > mostRuns*100 { // more say no more
		n, k = mostRuns*100, int(int64(k)*mostRuns*100/int64(n))
	}
	product, scale := 1.0, 0 // times huge^scale
	for i := range n {
		x, y := a+float64(i), c+float64(i)
		if i >= k {
			x, y = b+float64(i-k), d+float64(i-k)
		}
		product *= x / y * ((c + d + float64(i)) / (a + b + float64(i)))
		switch {
		case product > huge:
			product, scale = product/huge, scale+1
		case product < 1/huge:
			product, scale = product*huge, scale-1
		}
	}
	for ; scale > 0 && product < huge; scale-- {
		product *= huge
	}
	for ; scale < 0 && product > 1/huge; scale++ {
		product /= huge
	}
	return min(max(product, 1.0/huge), huge)
}

// huge is more than any odds: a power of two, so that scaling by it loses nothing.
const huge = 1 << 200
