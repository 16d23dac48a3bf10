package decide

import "detour/schemas/decision"

// limit holds the decisions of a tick about everybody to the ceilings and the budget. Rows say where each resolver was
// (Previous) and where its own evidence sends it. It sends those back to the default path that there is no room for, with
// the reason, and returns their indices. Who was not measured lately, or is a prefix, weighs a unit of a run.
func (a *allocation) limit(rows []decision.Decision) (refused []int) {
	if a.free() {
		return nil
	}
	begin, after := new(account), new(account)
	for i := range rows {
		d := &rows[i]
		begin.add(entry{path: a.usual, weight: weightOf(d)})
		after.add(a.entryOf(d))
	}
	if a.room(begin).holds(after) {
		return nil
	}
	list, of := a.proposals(rows)
	a.allocate(begin, list)
	for i := range list {
		if p, d := &list[i], &rows[of[i]]; p.path != d.Path {
			d.Path, d.Reason = p.path, p.reason
			refused = append(refused, of[i])
		}
	}
	return refused
}

// free reports whether there are no limits at all.
func (a *allocation) free() bool {
	for _, ppm := range a.ceilings {
		if ppm < all {
			return false
		}
	}
	return a.budget == all
}

func (a *allocation) proposals(rows []decision.Decision) (list []proposal, of []int) {
	for i := range rows {
		d := &rows[i]
		if d.Path == a.usual {
			continue
		}
		e := a.entryOf(d)
		list = append(list, proposal{
			resolver: d.Resolver, bits: d.Bits, weight: e.weight, current: d.Previous, rescue: rescues(d.Reason),
			first: choice{path: d.Path, gain: d.Gain, harm: e.harm}, second: choice{path: a.usual},
		})
		of = append(of, i)
	}
	return list, of
}

// weightOf returns how many users a resolver counts for: its runs, weighed by their age.
func weightOf(d *decision.Decision) uint32 { return max(d.OwnRuns, 1) }

// entryOf returns what a resolver counts for where a decision sends it.
func (a *allocation) entryOf(d *decision.Decision) entry {
	e := entry{path: d.Path, weight: weightOf(d)}
	if d.Path != a.usual && !rescues(d.Reason) {
		e.harm = d.Harm
	}
	return e
}

// rescues reports whether users are where they are since something fails: no limit may send them back to it.
func rescues(r decision.Reason) bool {
	return r == decision.DefaultDown || r == decision.AllDown || r == decision.RegionDown
}
