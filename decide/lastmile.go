package decide

import "detour/schemas/decision"

// A last mile that fails takes all paths with it, for many resolvers of a network or a country at once. Nothing that is
// measured there says which path is better: requests that come through do so by luck, and who still measures is not who
// did before. So nobody in such a group is moved, for whatever reason, until it is over.

// widely is the share of a group for which every path is likely down, from which its last mile counts as failing.
const widely = 0.1

// nobody is a resolver that has met nothing: for questions about a whole group.
var nobody = new(resolver)

// lost returns the level of the widest group around g, below the world, whose last mile fails; decision.None if there is none.
func (o *outages) lost(g *group) decision.Level {
	if g == nil || g.parent == nil {
		return decision.None
	}
	if g.lost.tick != o.tick {
		g.lost.tick, g.lost.level = o.tick, o.lost(g.parent)
		if g.lost.level == decision.None && o.fails(g) {
			g.lost.level = g.key.level
		}
	}
	return g.lost.level
}

// fails reports whether every path is down for many members of a group.
func (o *outages) fails(g *group) bool {
	for path := range g.paths {
		if g.paths[path].bad == 0 {
			return false
		}
	}
	for path := range g.paths {
		if share, _ := o.chance(nobody, g, uint8(path)); share < widely {
			return false
		}
	}
	return true
}

// cutOff returns the level of the group whose last mile fails, that r's users are in by most of its newest runs or, some
// of them, by any of its evidence.
func (j *judge) cutOff(r *resolver) decision.Level {
	level := j.outages.lost(r.home)
	for i := 0; i < len(r.populations) && level == decision.None; i++ {
		cell := r.populations[i].network.cell
		level = j.outages.lost(j.outages.around(groupKey{level: decision.ASN, country: cell.Country, asn: cell.ASN}))
	}
	return level
}

// around returns the group of a network, its country's if nobody was heard of there lately, or nil.
func (o *outages) around(network groupKey) *group {
	if g := o.groups[network]; g != nil {
		return g
	}
	return o.groups[groupKey{level: decision.Country, country: network.country}]
}
