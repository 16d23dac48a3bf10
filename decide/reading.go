package decide

import (
	"detour/decide/posterior"
	"detour/schemas/window"
)

// together says how alike the luck of requests is that were made together, so that they count as fewer: 0 where each has
// luck of its own, 1 where all have the same (intraclass correlation).
type together struct {
	run   byClass[float64] // of one run
	epoch byClass[float64] // of one cell and epoch
}

// effective returns how many requests with luck of their own n requests of some runs in one epoch are worth: n / (1 +
// (size - 1) correlation) for clusters of a size, first within runs, then within the epoch (the design effect: L. Kish,
// Survey Sampling, 1965).
func (t *together) effective(class int, n, runs float64) float64 {
	if n > runs && runs > 0 {
		n /= 1 + float64((n/runs-1)*t.run[class])
	}
	if n > 1 {
		n /= 1 + float64((n-1)*t.epoch[class])
	}
	return n
}

// recentEpochs are the current epoch and the one before: what they say is weighed apart from what is older.
const recentEpochs = 2

// changed is how the past speaks for the present: as a close relative does. A path may have become another one since.
var changed = posterior.Kinship{Apart: 0.01, Spread: 0.05}

// reader turns series of one cell and candidate path into a likelihood.
type reader struct {
	grid   *posterior.Grid
	model  *posterior.Model
	luck   *together
	ageing *ageing
	least  int // epochs younger than this are not read

	newer, older posterior.Evidence
}

// add takes a series of a class of the mix.
func (r *reader) add(s *series, class int) {
	for epoch, words := range s.each {
		age := r.ageing.age(epoch)
		if age < r.least {
			continue
		}
		var runs, n uint64
		for bin, count := range tally(words) {
			if bin == runsBin {
				runs += count
			} else {
				n += count
			}
		}
		if n == 0 {
			continue
		}
		e := &r.newer
		if age >= recentEpochs {
			e = &r.older
		}
		worth := r.luck.effective(class, float64(n), float64(runs)) / float64(n)
		worth = float64(worth*float64(r.ageing.weight[age])) / whole
		for bin, count := range tally(words) {
			if bin != runsBin {
				r.model.Add(e, class, int(bin)-firstBin-window.MaxRatioBin, float64(worth*float64(count)))
			}
		}
	}
}

// empty reports whether nothing was added since the last likelihood.
func (r *reader) empty() bool { return r.newer.Empty() && r.older.Empty() }

// likelihood returns that of what was added since the last time. base is what may come if the path has changed; newShare
// is new connections' share of the direct time.
func (r *reader) likelihood(base *posterior.Belief, newShare float64) posterior.Likelihood {
	var b posterior.Belief
	if r.older.Empty() {
		b = r.model.Likelihood(r.grid, &r.newer, newShare)
	} else {
		past := r.model.Likelihood(r.grid, &r.older, newShare)
		changed.Above(&b, &past, base)
		if !r.newer.Empty() {
			now := r.model.Likelihood(r.grid, &r.newer, newShare)
			b.Weigh(&now)
		}
	}
	r.newer.Reset()
	r.older.Reset()
	return b.Pack()
}
