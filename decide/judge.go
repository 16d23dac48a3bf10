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

	stability stability

	policy  control.Policy
	hash    string
	student students // t quantiles at the policy's confidence
	ageing  *ageing  // of the evidence
	outages *outages // likewise
	scratch histogram
}

// use makes p the policy. It reports whether that is another than the one of the tick before, whose hash it gets.
func (j *judge) use(p *control.Policy, before string) (changed bool) {
	if hash := p.Hash(); hash != j.hash {
		j.policy, j.hash = *p, hash
		j.student.at(p.Latency.ConfidencePPM)
		j.stability = newStability(p, j.usual, j.length)
	}
	return j.hash != before
}

// decide returns what becomes of r in the tick that reached pane, changed or not. The first rule that applies decides:
//
//  1. nothing is left within the horizon: the default path;
//  2. reachability: leave a path that is down for one that works, at once, and come back once it works again;
//  3. latency: the path that is credibly not slower for anybody and has the largest gain, else the default path;
//  4. stability: an improvement waits until the last move is old enough and the resolver is calm, and a small one is none;
//  5. new evidence: a move off the default path that nothing but the age of evidence asks for waits until there is some;
//  6. reachability again: nobody is moved onto a path that may be down.
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
	at := r.stay()
	j.stability.settle(&at, pane, &d)
	d.Resolver = r.address
	if !r.known || d.Path != r.path || d.Reason != r.reason || d.Gone == 1 || awaits(d.Reason) && d.Candidate != r.about {
		d.Changed = 1
	}
	return d
}

// candidates returns how many paths there are besides the default one, and calls do with each.
func (j *judge) candidates(do func(path uint8)) {
	for path := range j.paths {
		if path != j.usual {
			do(path)
		}
	}
}

// weights returns how many connections of each class the policy's mix has.
func (j *judge) weights() (w byClass[float64]) {
	w[fresh], w[reused] = float64(j.policy.Mix.New), float64(j.policy.Mix.Reused)
	return w
}
