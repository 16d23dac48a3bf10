package decide

import (
	"detour/schemas/control"
	"detour/schemas/decision"
)

// room is what limits come to for so many users as there are: for those that are on a path already, and for newcomers.
type room struct {
	incumbents, newcomers [control.MaxPaths]uint64 // weight
	harm, newHarm         wide                     // weight times ppm
}

func (a *allocation) room(sum *account) *room {
	r := new(room)
	for path, ppm := range a.ceilings {
		r.incumbents[path] = share(sum.total, ppm)
		r.newcomers[path] = r.incumbents[path]
		if ppm < all {
			r.newcomers[path] -= share(r.incumbents[path], a.spare)
		}
	}
	r.harm = product(sum.total, uint64(a.budget))
	r.newHarm = r.harm
	if a.budget < all {
		r.newHarm = product(sum.total-share(sum.total, a.spare), uint64(a.budget))
	}
	return r
}

// refuses returns why there is no room for a choice; Faster where there is.
func (r *room) refuses(sum *account, p *proposal, c choice) decision.Reason {
	on, harm := r.newcomers[c.path], r.newHarm
	if p.current == c.path {
		on, harm = r.incumbents[c.path], r.harm
	}
	if sum.on[c.path]+uint64(p.weight) > on {
		return decision.OverCapacity
	}
	if harms := uint64(p.weight) * uint64(c.harm); harms > 0 {
		after := sum.harm
		if after.add(harms); after.above(harm) {
			return decision.OverBudget
		}
	}
	return decision.Faster
}

// holds reports whether there is room for everybody where sum says they are, newcomers or not.
func (r *room) holds(sum *account) bool {
	for path, on := range sum.on {
		if on > r.newcomers[path] {
			return false
		}
	}
	return !sum.harm.above(r.newHarm)
}
