package decide

import "detour/schemas/decision"

// latency decides by latency: the candidate with the largest gain among those that may be taken, as far as stability lets
// it; without one, or without evidence, the default path.
func (j *judge) latency(r *resolver, h *health, pane int64) decision.Decision {
	at, best := r.stay(), j.best(r, h)
	here := best
	if r.path != j.usual && r.path != best.Candidate {
		here = j.weigh(r, r.path, h)
	}
	return j.stability.latency(&at, pane, &best, &here)
}

// best weighs every candidate and returns the one to take, or else the one that came nearest to it. Of equals it is
// where the resolver is, then the lowest path.
func (j *judge) best(r *resolver, h *health) (best decision.Decision) {
	first := true
	j.candidates(func(path uint8) {
		d := j.weigh(r, path, h)
		if first || better(&d, &best, r.path) {
			best, first = d, false
		}
	})
	return best
}

func better(a, b *decision.Decision, current uint8) bool {
	if x, y := standing(a.Reason), standing(b.Reason); x != y {
		return x > y
	}
	return a.Gain > b.Gain || a.Gain == b.Gain && a.Candidate == current
}

// standing ranks how far a candidate came.
func standing(r decision.Reason) int {
	switch r {
	case decision.Faster:
		return 3
	case decision.TooFew:
		return 1
	default:
		return 2
	}
}
