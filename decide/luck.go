package decide

import (
	"math"

	"detour/decide/posterior"
	"detour/schemas/window"
)

// lucks measures how alike the luck of requests is that were made together.
type lucks struct {
	between  byClass[anova]
	variance byClass[float64] // of a request about its cell's truth, bins², summed over paths
	paths    float64
}

// anova is a one-way analysis of variance over many cells, the epochs of each being its groups (R. A. Fisher, Statistical
// Methods for Research Workers, 1925, chapter 7). Values are in bins.
type anova struct {
	betweenSquares, betweenFreedom float64
	withinSquares, withinFreedom   float64
	size                           float64 // sum over cells of freedom times the mean size of a group
}

// furthest is how far from its cell's centre a request counts, in bins: an octave. Beyond that it's the tail, which says
// nothing of an epoch.
const furthest = window.RatioBinsPerOctave

// spell is one epoch of a cell.
type spell struct{ n, sum, squares float64 }

// add takes a cell's groups.
func (a *anova) add(groups []spell) {
	if len(groups) < 2 {
		return
	}
	var all spell
	sizes := 0.0
	for _, g := range groups {
		all.n += g.n
		all.sum += g.sum
		sizes += float64(g.n * g.n)
		a.withinSquares += g.squares - float64(g.sum*g.sum)/g.n
		a.withinFreedom += g.n - 1
	}
	mean := all.sum / all.n
	for _, g := range groups {
		away := g.sum/g.n - mean
		a.betweenSquares += float64(g.n * float64(away*away))
	}
	freedom := float64(len(groups) - 1)
	a.betweenFreedom += freedom
	a.size += all.n - sizes/all.n // freedom times the size that counts where groups differ in size
}

// correlation returns the intraclass correlation, 0 where it isn't credibly above: where the ratio of mean squares is
// within two standard errors of 1.
func (a *anova) correlation() float64 {
	if a.betweenFreedom < 1 || a.withinFreedom < 1 {
		return 0
	}
	between, within := a.betweenSquares/a.betweenFreedom, a.withinSquares/a.withinFreedom+1.0/12 // a bin's own variance
	if between <= float64(within*(1+2*math.Sqrt(2/a.betweenFreedom))) {
		return 0
	}
	excess := (between - within) / (a.size / a.betweenFreedom)
	return excess / (excess + within)
}

// add looks at the whole epochs of some resolvers on a path.
func (l *lucks) add(j *judge, resolvers []*resolver, path uint8, m *posterior.Model) {
	for class := range l.variance {
		l.variance[class] += m.Laws[class].Variance()
	}
	l.paths++
	var groups []spell
	for _, r := range resolvers {
		for k := range r.series {
			s := &r.series[k]
			class, ok := classOf(s.key.class())
			if !ok || s.key.path() != path {
				continue
			}
			groups = s.groups(j.ageing, groups[:0])
			l.between[class].add(groups)
		}
	}
}

// groups appends the whole epochs of a series that have requests, about their median.
func (s *series) groups(a *ageing, list []spell) []spell {
	var h histogram
	s.since(a, 1, &h)
	centre, ok := h.median()
	if !ok {
		return list
	}
	for epoch, words := range s.each {
		if a.age(epoch) == 0 {
			continue
		}
		var g spell
		for bin, count := range tally(words) {
			if bin == runsBin {
				continue
			}
			away := float64(min(max(int(bin)-firstBin-centre, -furthest), furthest))
			n := float64(count)
			g.n += n
			g.sum += float64(n * away)
			g.squares += float64(n * float64(away*away))
		}
		if g.n > 0 {
			list = append(list, g)
		}
	}
	return list
}

// together returns what was measured. within is the variance between requests of one run: what of the whole variance is
// missing there, they share.
func (l *lucks) together(inRun byClass[within]) (t together) {
	for class := range t.run {
		t.epoch[class] = l.between[class].correlation()
		t.run[class] = 1
		if v := l.variance[class] / l.paths; inRun[class].freedom > 0 && v > 0 {
			t.run[class] = min(max(1-inRun[class].variance()/v, 0), 1)
		}
	}
	return t
}
