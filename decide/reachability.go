package decide

import (
	"math"

	"detour/schemas/control"
	"detour/schemas/decision"
)

// health is how each path of a resolver answers, all its users together, in the policy's reachability window.
type health [control.MaxPaths]pathHealth

type pathHealth struct {
	tries, failures uint64
	down, up        bool    // credibly; neither, where there is too little to say
	worst           float64 // upper bound on the error rate
}

func (j *judge) health(r *resolver) (h health) {
	for i := range r.series {
		s := &r.series[i]
		p := &h[s.key.path()]
		p.tries += uint64(s.tries)
		p.failures += uint64(s.failures)
	}
	rule := &j.policy.Reachability
	for i := range h[:j.paths] {
		p := &h[i]
		if p.tries < uint64(rule.MinTries) || p.failures > p.tries {
			continue
		}
		low, high := wilson(p.failures, p.tries, j.z)
		p.down = low > float64(rule.DownPPM)/1e6
		p.up = high < float64(rule.UpPPM)/1e6
		p.worst = high
	}
	return h
}

// reachability decides when the resolver's path, or the default one, is down. Users move only to a path that is known to
// work: the default one if it does, else the one with the lowest bound on its error rate. Where none is, the last mile
// is the likely cause, and nothing changes. It returns false when the rule does not apply.
func (j *judge) reachability(r *resolver, h *health, d *decision.Decision) bool {
	path, reason := r.path, decision.DefaultDown
	switch {
	case h[r.path].down && h[j.usual].up:
		path, reason = j.usual, decision.CandidateDown
	case h[r.path].down:
		if path = j.working(h, r.path); path == r.path {
			reason = decision.AllDown
		}
	case !h[j.usual].down: // the path is not down, nor is the default one
		return false
	}
	about := path
	if path == j.usual {
		about = r.path
	}
	if about == j.usual { // nowhere to go
		about = j.best(r, h).Candidate
	}
	*d = j.weigh(r, about, h)
	d.Path, d.Reason, d.Level = path, reason, decision.Resolver
	return true
}

// working returns the path that is up with the lowest bound on its error rate, or else where the resolver is.
func (j *judge) working(h *health, path uint8) uint8 {
	for p := range j.paths {
		if h[p].up && (!h[path].up || h[p].worst < h[path].worst) {
			path = p
		}
	}
	return path
}

// wilson returns the Wilson score interval of a share, k of n > 0: both bounds are one-sided at the confidence that z is
// the normal quantile of. (E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927.)
func wilson(k, n uint64, z float64) (low, high float64) {
	count := float64(n)
	share := float64(k) / count
	zz := z * z / count
	centre := share + zz/2
	spread := math.Sqrt(zz * (float64(share*(1-share)) + zz/4))
	return (centre - spread) / (1 + zz), (centre + spread) / (1 + zz)
}
