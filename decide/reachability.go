package decide

import (
	"detour/schemas/control"
	"detour/schemas/decision"
)

// health is how each path of a resolver answers, all its users together, in the policy's reachability window.
type health [control.MaxPaths]pathHealth

type pathHealth struct {
	tries, failures, gateways uint64
	down, up                  bool           // credibly; neither, where there is too little to say
	risk                      float64        // how likely it is down
	level                     decision.Level // of the evidence for that
}

// health looks at how r's paths answer. Where nothing fails nothing is down, and no more is asked.
func (j *judge) health(r *resolver) (h health) {
	suspect := false
	list := j.lately(r)
	for i := range list {
		a := &list[i]
		p := &h[a.path]
		p.tries += uint64(a.tries)
		p.failures += uint64(a.failures)
		p.gateways += uint64(a.gateways)
		suspect = suspect || a.suspect()
	}
	if suspect {
		for path := range j.paths {
			j.look(r, path, &h[path])
		}
	}
	return h
}

// lately returns what r met in the policy's reachability window.
func (j *judge) lately(r *resolver) []attempt {
	return r.from(j.outages.since(j.policy.Reachability.Window))
}

// look works out how likely a path is down for r. That takes evidence of its own: what a group meets says what to expect,
// not what is.
func (j *judge) look(r *resolver, path uint8, p *pathHealth) {
	list := j.lately(r)
	chance, level := j.outages.chance(r, r.home, path)
	is := j.outages.model.judge(list, path, chance)
	p.risk = is.down
	if p.tries < uint64(j.policy.Reachability.MinTries) {
		return
	}
	p.down, p.up = is.down >= j.credible(), is.works >= j.credible()
	if p.level = decision.Resolver; p.down && j.outages.model.judge(list, path, rarely).down < j.credible() {
		p.level = level
	}
}

// credible is the probability from which something counts as known.
func (j *judge) credible() float64 { return float64(j.policy.Reachability.ConfidencePPM) / 1e6 }

// reachability decides when the resolver's path, or the default one, is down, or was and is not known to be well again. Users
// move only to a path that is known to work for them: the default one if it does, else the one that is least likely down.
// Where none is, nothing changes: the last mile is the likely cause, or, where proxies answer that they don't reach it,
// the region behind all paths. It returns false when the rule does not apply.
func (j *judge) reachability(r *resolver, h *health, d *decision.Decision) bool {
	path, about, reason, lost := r.path, r.path, decision.CandidateDown, decision.None
	switch {
	case h[r.path].down:
		if lost = j.outages.lost(r.home); lost == decision.None {
			path = j.refuge(h, r.path)
		}
		if path == r.path {
			reason = j.nowhere(h)
		} else if path != j.usual {
			about, reason = path, decision.DefaultDown
		}
	case r.path != j.usual:
		if !h[j.usual].down && !(r.reason == decision.DefaultDown && !j.recovered(r, j.usual)) {
			return false
		}
		reason = decision.DefaultDown
	case r.reason == decision.CandidateDown && r.about != j.usual && !j.recovered(r, r.about):
		about = r.about
	default:
		return false
	}
	if about == j.usual { // nowhere to go
		about = j.best(r, h).Candidate
	}
	*d = j.weigh(r, about, h)
	d.Path, d.Reason, d.Level = path, reason, max(h[r.path].level, lost, decision.Resolver)
	d.Failovers = j.failovers(r, path)
	return true
}

// refuge returns the path to go to from one that is down, or that itself.
func (j *judge) refuge(h *health, from uint8) uint8 {
	if h[j.usual].up {
		return j.usual
	}
	path := from
	for p := range j.paths {
		if h[p].up && (path == from || h[p].risk < h[path].risk) {
			path = p
		}
	}
	return path
}

// nowhere tells why there is no path to go to. A proxy that answers 502 to 504 is itself reached.
func (j *judge) nowhere(h *health) decision.Reason {
	var failures, gateways uint64
	j.candidates(func(path uint8) {
		failures += h[path].failures
		gateways += h[path].gateways
	})
	if gateways > 0 && 2*gateways >= failures {
		return decision.RegionDown
	}
	return decision.AllDown
}

// bar stops a move that latency asks for while the last mile fails, and one onto a path that may be down, for the resolver
// or for others of its group.
func (j *judge) bar(r *resolver, h *health, d *decision.Decision) {
	if d.Path == r.path {
		return
	}
	if lost := j.cutOff(r); lost != decision.None {
		d.Path, d.Reason, d.Level = r.path, decision.AllDown, lost
		return
	}
	target := &h[d.Path]
	j.look(r, d.Path, target)
	if target.risk <= 1-j.credible() {
		return
	}
	switch {
	case d.Path == j.usual:
		d.Reason = decision.DefaultDown
	case r.path == j.usual:
		d.Reason = decision.CandidateDown
	default:
		d.Reason = decision.Held
	}
	d.Path = r.path
}
