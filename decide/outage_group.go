package decide

import (
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// Groups pool what resolvers meet, since an edge or a region that fails, fails for many of them: the world, a country's
// clients, those of one of its networks, and of these those behind neighbouring resolvers. A resolver that serves several
// populations counts, pane by pane, for the largest.

// groupPanes is how many of the newest panes groups speak of.
const groupPanes = 2

// group is resolvers that are likely to fail together.
type group struct {
	key    groupKey
	parent *group // nil for the world
	uses   int    // attempts and groups that refer to it
	paths  []tallied
	known  []known // by path: what was worked out last
	lost   struct {
		tick  int64
		level decision.Level
	} // likewise: see outages.lost
}

type groupKey struct {
	level   decision.Level
	country sample.Country
	asn     uint32
	network uint64
}

// known is the answer to a question about a group, so that it is not worked out anew for every member.
type known struct {
	tick   int64
	of     tallied
	within float64
	answer float64
}

// groupOf returns the smallest group that most of r's clients in a pane belong to.
func (o *outages) groupOf(r *resolver, home window.Cell) *group {
	key := groupKey{decision.Prefix, home.Country, home.ASN, prefix(r.address)}
	if r.home != nil && r.home.key == key {
		return r.home
	}
	if g := o.groups[key]; g != nil {
		return g
	}
	country := o.join(groupKey{level: decision.Country, country: home.Country}, o.world)
	network := o.join(groupKey{level: decision.ASN, country: home.Country, asn: home.ASN}, country)
	return o.join(key, network)
}

// join returns the group of a key, a new one where there was none.
func (o *outages) join(key groupKey, parent *group) *group {
	g := o.groups[key]
	if g == nil {
		g = &group{key: key, parent: parent, paths: make([]tallied, o.paths), known: make([]known, o.paths)}
		if parent != nil {
			parent.uses++
		}
		o.groups[key] = g
	}
	return g
}

// settle makes a group r's home, nil for none: the one that answers for it, until it is heard of elsewhere.
func (o *outages) settle(r *resolver, of *group) {
	if of != nil {
		of.uses++
	}
	if r.home != nil {
		o.quit(r.home)
	}
	r.home = of
}

// quit takes one use of a group back, and drops groups that have none left.
func (o *outages) quit(g *group) {
	for g.uses--; g.uses == 0 && g.parent != nil; g.uses-- {
		delete(o.groups, g.key)
		g = g.parent
	}
}

// chance returns how likely a path is down for a resolver, before what it met itself is looked at: the share of its group
// for which the path is. From the world down, each group's share is estimated from what its members met, with that of the
// group around it as the expectation. What r met is left out; its own evidence is not to count twice. The level is that
// of the smallest group in which others see the path fail, decision.None if there is none.
func (o *outages) chance(r *resolver, g *group, path uint8) (chance float64, level decision.Level) {
	if g == nil {
		return rarely, decision.None
	}
	within := rarely
	if g.parent != nil {
		within, level = o.chance(r, g.parent, path)
	}
	others := g.without(r, path, o.newest()-(groupPanes-1)*o.length)
	if others.bad > 0 {
		level = g.key.level
	}
	k := &g.known[path]
	if k.tick != o.tick || k.of != others || k.within != within {
		*k = known{o.tick, others, within, o.model.pool(others, within, path)}
	}
	return k.answer, level
}

// without returns what a group's members met on a path, r excepted. Where there are very many, r makes no difference.
func (g *group) without(r *resolver, path uint8, from int64) tallied {
	s := g.paths[path]
	if s.seen > many {
		return s
	}
	for i := len(r.lately) - 1; i >= 0 && r.lately[i].pane >= from; i-- {
		if a := &r.lately[i]; a.path == path && g.holds(a.of) {
			s.add(a, -1)
		}
	}
	return s
}

const many = 256

func (g *group) holds(of *group) bool {
	for ; of != nil; of = of.parent {
		if of == g {
			return true
		}
	}
	return false
}

// calm is what the world met in a pane, for the base rate.
type calm struct {
	start int64
	paths []tallied
}

// baselinePanes is how many panes the base rate is estimated from.
const baselinePanes = 60

// base returns the share of bad attempts on a path in quiet times: clients that can never use it, and bad luck. That is
// what the better half of the panes show, so that an outage of less than half of them does not raise it. Where little is
// known, it is rare; where very much is bad, no more than a twentieth is taken for normal.
func (o *outages) base(path uint8) float64 {
	list := make([]tallied, 0, len(o.calm))
	for i := range o.calm {
		if s := o.calm[i].paths[path]; s.seen > 0 {
			list = append(list, s)
		}
	}
	sortTallied(list)
	var sum tallied
	for _, s := range list[:(len(list)+1)/2] {
		sum.seen, sum.bad = sum.seen+s.seen, sum.bad+s.bad
	}
	return min(float64(sum.bad+1)/float64(int64(sum.seen)+baseWeight), 0.05)
}

// baseWeight is the weight of the expectation that one attempt in so many is bad.
const baseWeight = 2000

// prepare makes what is known ready to be asked about, at a tick.
func (o *outages) prepare(p *control.Reachability) {
	o.tick++
	if *p != o.policy || o.model.below == nil {
		o.policy = *p
		o.model.use(p)
	}
	o.model.quiet = o.model.quiet[:0]
	for path := range o.paths {
		o.model.quiet = append(o.model.quiet, newQuiet(o.base(uint8(path)), &o.model))
	}
}
