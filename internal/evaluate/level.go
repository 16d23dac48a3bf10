package evaluate

import "detour/schemas/decision"

// levelFigures are the figures that are told by level of evidence.
var levelFigures = []Figure{
	LevelUsers, GainCaptured, HarmedShare, HarmedInstant, SlowerOnReused, RegretP50, RegretP90, RegretP99, MeanMs, ChangesPerDay,
	RerouteP50, RerouteP95, MovedShare,
}

// byLevel splits what a rule makes of the users by the level of the evidence that decided about them.
type byLevel [decision.Levels]struct {
	account account
	changes int64
}

// figures returns the levels that there were: shares of all users, so that they add up; latencies and panes of the users
// of the level. rule is all of it.
func (b *byLevel) figures(r *rule, days float64, o *outages) map[string]Figures {
	out := make(map[string]Figures)
	all := &r.account
	for i := range b {
		l := &b[i]
		if l.account.weight == 0 && l.changes == 0 {
			continue
		}
		f := noFigures()
		l.account.figures(&f)
		f[LevelUsers] = l.account.weight / all.weight
		f[GainCaptured] = part(l.account.direct-l.account.chosen, all.direct-all.oracle, all.direct)
		f[HarmedShare] = l.account.harmed / all.weight
		f[HarmedInstant] = l.account.harmedNow / all.weightNow
		f[SlowerOnReused] = l.account.slowerReused / all.weight
		f[MovedShare] = l.account.moved / all.weight
		f[ChangesPerDay] = float64(l.changes) / float64(len(r.paths)) / days
		o.byLevel(decision.Level(i), &f)
		out[decision.Level(i).String()] = f
	}
	return out
}
