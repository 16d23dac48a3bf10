package decide

import (
	"detour/schemas/control"
	"detour/schemas/decision"
)

// judge applies a policy to one resolver at a time. It remembers nothing of them.
type judge struct {
	usual  uint8 // the default path
	paths  uint8 // how many there are
	length int64 // of a pane, ms

	stability  stability
	allocation *allocation
	ids        []string // of the paths

	policy  control.Policy
	hash    string
	ageing  *ageing  // of the evidence
	outages *outages // likewise
	harmful harmful
	learnt  *learnt // nil = nothing yet, by this policy
	epoch   int64   // that it was learnt in
	reader  reader
	scratch histogram
}

// use makes p the policy.
func (j *judge) use(p *control.Policy) {
	hash := p.Hash()
	if hash == j.hash {
		return
	}
	j.policy, j.hash = *p, hash
	j.stability = newStability(p, j.usual, j.length)
	j.allocation = newAllocation(p, j.ids, j.usual)
	j.harmful, j.learnt = newHarmful(p), nil
}

// decide returns what becomes of r in the tick that reached pane, as far as others don't matter. The first rule that applies decides:
//
//  1. nothing is left within the horizon: the default path;
//  2. reachability: leave a path that is down for one that works, at once, and come back once it works again;
//  3. latency: the path that is credibly not slower for anybody and has the largest gain, else the default path;
//  4. stability: an improvement waits until the last move is old enough and the resolver is calm, and a small one is none;
//  5. new evidence: a move off the default path that nothing but the age of evidence asks for waits until there is some;
//  6. reachability again: nobody is moved onto a path that may be down, nor anywhere while the last mile fails.
//
// Asked again with the same evidence, it says the same, unless it has just moved the resolver or holds it.
func (j *judge) decide(r *resolver, pane int64) decision.Decision {
	var d decision.Decision
	if len(r.series) == 0 {
		d = decision.Decision{Path: j.usual, Candidate: j.usual, Reason: decision.NoEvidence, Gone: 1}
	} else if health := j.health(r); !j.reachability(r, &health, &d) {
		d = j.latency(r, &health, pane)
		j.await(r, &d, pane)
		j.bar(r, &health, &d)
		d.Failovers = r.failovers
	}
	d.Resolver, d.Previous = r.address, r.path
	return d
}

// conclude makes a decision about r final, which the limits of the tick may have changed: since when, and what follows.
func (j *judge) conclude(r *resolver, d *decision.Decision, pane int64) {
	at := r.stay()
	j.stability.settle(&at, pane, d)
	if !r.known || d.Path != r.path || d.Reason != r.reason || d.Gone == 1 || d.Exception != r.exception ||
		awaits(d.Reason) && d.Candidate != r.about {
		d.Changed = 1
	}
}

// candidates returns how many paths there are besides the default one, and calls do with each.
func (j *judge) candidates(do func(path uint8)) {
	for path := range j.paths {
		if path != j.usual {
			do(path)
		}
	}
}

// candidate returns the number of a path among the candidates.
func (j *judge) candidate(path uint8) int {
	if path > j.usual {
		path--
	}
	return int(path)
}

// weights returns how many connections of each class the policy's mix has.
func (j *judge) weights() (w byClass[float64]) {
	w[fresh], w[reused] = float64(j.policy.Mix.New), float64(j.policy.Mix.Reused)
	return w
}

// await keeps a resolver on the default path while nothing new was measured in any network of its users for an epoch:
// evidence that merely grows older, or a policy that is another now, moves nobody off it.
func (j *judge) await(r *resolver, d *decision.Decision, pane int64) {
	if d.Path == j.usual || r.path != j.usual {
		return
	}
	for i := range r.populations {
		if pane-r.populations[i].network.heard < epochPanes*j.length {
			return
		}
	}
	d.Path, d.Reason = r.path, decision.Held
}
