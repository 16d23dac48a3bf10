package decide

import (
	"net/netip"

	"detour/schemas/control"
	"detour/schemas/decision"
)

// choice is a path that a resolver may be sent over.
type choice struct {
	path uint8
	gain int32  // µs a connection
	harm uint32 // ppm of its clients
}

// proposal is a resolver that its own evidence sends off the default path, or keeps there.
type proposal struct {
	resolver netip.Addr
	bits     uint8  // of a prefix, see decision.Decision
	weight   uint32 // see entry
	current  uint8  // where it is
	rescue   bool   // the default path is down for it: it is taken whatever the limits are
	first    choice
	second   choice // on the default path where there is none; on its current one where it may stay

	path   uint8           // what it gets
	reason decision.Reason // Faster = its first choice, or why not
}

// allocation is the limits that one resolver's evidence says nothing about.
//
//  1. Of all weight no more than its ceiling is on a path, and no more harm is expected over all users than the budget
//     allows, but for rescues: users who would have nothing come first, and all others make room for them.
//  2. Who is on a path already counts with a larger gain than it has, by the margin, and has the spare part of ceilings and
//     budget to itself: an evenly matched rival does not displace it, nor does a limit that moves a little.
//  3. Which of the proposals are taken does not depend on their order.
type allocation struct {
	usual    uint8
	ceilings [control.MaxPaths]int // ppm; all = none
	budget   int                   // ppm; all = none
	margin   int64                 // ppm
	spare    int                   // ppm
}

const all = million // ppm

// newAllocation returns the limits of a policy; paths are the catalogue's ids. A ceiling of another path is of no effect.
func newAllocation(p *control.Policy, paths []string, usual uint8) *allocation {
	a := &allocation{usual: usual, budget: p.Harm.Budget, margin: int64(p.DeadBand.MarginPPM), spare: p.DeadBand.SparePPM}
	if a.budget == 0 {
		a.budget = all
	}
	for i := range a.ceilings {
		a.ceilings[i] = all
		if i < len(paths) && i != int(usual) {
			if ppm, ok := p.Capacity[paths[i]]; ok {
				a.ceilings[i] = ppm
			}
		}
	}
	return a
}

// allocate gives each proposal its first choice, or its second, or the default path. sum accounts for everybody: those who
// propose are on the default path in it when allocate begins, and on their paths when it returns.
//
// It is greedy, in the order of what a choice is worth for each user: that is the gain by unit of load, the best order
// under ceilings (G. B. Dantzig, Discrete-Variable Extremum Problems, 1957), with the largest gain first. Where the budget
// does not allow all of that, harm has a price, the lowest at which it does, and a choice is worth its gain less the price
// of its harm. Without a ceiling that is the order of gain by unit of harm, the best one under a budget; with both, it is
// the Lagrangian of the linear program. What does not fit is passed over, since something smaller behind it may.
func (a *allocation) allocate(sum *account, list []proposal) {
	room := a.room(sum)
	for i := range list {
		if p := &list[i]; p.rescue {
			a.take(sum, p, entry{path: p.first.path, weight: p.weight})
		}
	}
	if a.allFit(sum, room, list) {
		for i := range list {
			if p := &list[i]; !p.rescue {
				a.take(sum, p, p.entry(p.first))
			}
		}
		return
	}
	for _, i := range a.ranked(list, a.price(sum, room, list)) {
		a.place(sum, room, &list[i])
	}
}

func (p *proposal) entry(c choice) entry { return entry{path: c.path, weight: p.weight, harm: c.harm} }

// take gives a proposal its first choice.
func (a *allocation) take(sum *account, p *proposal, e entry) {
	sum.move(entry{path: a.usual, weight: p.weight}, e)
	p.path, p.reason = e.path, decision.Faster
	if p.rescue {
		p.reason = decision.DefaultDown
	}
}

// place gives a proposal what there is room for.
func (a *allocation) place(sum *account, room *room, p *proposal) {
	p.path = a.usual
	if p.reason = room.refuses(sum, p, p.first); p.reason == decision.Faster {
		a.take(sum, p, p.entry(p.first))
		return
	}
	if p.second.path != a.usual && room.refuses(sum, p, p.second) == decision.Faster {
		sum.move(entry{path: a.usual, weight: p.weight}, p.entry(p.second))
		p.path = p.second.path
	}
}

// allFit reports whether there is room for all first choices, so that no order is needed.
func (a *allocation) allFit(sum *account, room *room, list []proposal) bool {
	after := *sum
	for i := range list {
		if p := &list[i]; !p.rescue {
			after.move(entry{path: a.usual, weight: p.weight}, p.entry(p.first))
		}
	}
	return room.holds(&after)
}
