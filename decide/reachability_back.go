package decide

import "detour/schemas/decision"

// Coming back to a path that was down. It has to work for some panes first, and the resolver waits longer each time that
// the path fails again soon after, so that one that flaps drags its users along less and less often.

// still is how likely a path that was down is thought to be so before its runs are looked at again.
const still = 0.1

// calmFor is how many times its last wait a resolver stays on a path before a failure counts as the first one again.
const calmFor = 4

// recovered reports whether a path that r was taken off, or is kept off, may be used again: r has waited, and what it met
// on the path in the last panes says that it works.
func (j *judge) recovered(r *resolver, path uint8) bool {
	rule := &j.policy.Reachability
	if r.since != 0 && j.outages.newest()-r.since < j.wait(r.failovers) {
		return false
	}
	var met runs
	list := r.from(j.outages.since(rule.Recover))
	for i := range list {
		if list[i].path == path {
			met.add(&list[i])
		}
	}
	if met.n == 0 {
		return false
	}
	chance, _ := j.outages.chance(r, r.home, path)
	return j.outages.model.again(met, path, max(chance, still)) >= j.credible()
}

// wait returns how long a resolver stays away after so many failovers in close succession: the policy's least, doubled
// for each but the first, up to its most. In ms.
func (j *judge) wait(failovers uint32) int64 {
	rule := &j.policy.Reachability
	panes := int64(rule.Recover)
	for i := uint32(1); i < failovers && panes < int64(rule.RecoverMost); i++ {
		panes *= 2
	}
	return min(panes, int64(rule.RecoverMost)) * j.length
}

// failovers returns how many times in close succession the resolver was moved off a failing path, once it is sent to path.
func (j *judge) failovers(r *resolver, path uint8) uint32 {
	switch {
	case path == r.path:
		return r.failovers
	case r.failovers > 0 && r.since != 0 && j.outages.newest()-r.since < calmFor*j.wait(r.failovers):
		return min(r.failovers+1, maxFailovers)
	}
	return 1
}

// maxFailovers is where counting ends: any policy's longest wait is reached.
const maxFailovers = 32

// awaits reports whether a decision may change as time goes by, or as others' evidence does.
func awaits(r decision.Reason) bool {
	switch r {
	case decision.CandidateDown, decision.DefaultDown, decision.AllDown, decision.RegionDown:
		return true
	}
	return false
}
