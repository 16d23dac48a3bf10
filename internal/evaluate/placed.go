package evaluate

import (
	"fmt"
	"net/netip"

	"detour/schemas"
	"detour/schemas/decision"
)

// placed is where the decisions so far have the users of each resolver: as a map that is made of them says. A resolver that
// is off the default path, or an exception, has an entry of its own; without one its prefix's counts.
type placed struct {
	resolvers []standing
	find      map[netip.Addr]int
	groups    map[netip.Prefix]*group
}

// standing is what was last decided of a resolver itself, and its group.
type standing struct {
	own   decision.Decision
	group *group
}

// group is the resolvers of a prefix, and what was last decided of it.
type group struct{ own decision.Decision }

func newPlaced(l *Layout) placed {
	p := placed{
		resolvers: make([]standing, len(l.Resolvers)), find: make(map[netip.Addr]int, len(l.Resolvers)),
		groups: make(map[netip.Prefix]*group),
	}
	for i := range l.Resolvers {
		address := l.Resolvers[i].Address
		prefix := schemas.PrefixOf(address)
		g := p.groups[prefix]
		if g == nil {
			g = new(group)
			p.groups[prefix] = g
		}
		p.find[address], p.resolvers[i].group = i, g
	}
	return p
}

// take applies a decision.
func (p *placed) take(d *decision.Decision) error {
	said := *d
	if d.Gone == 1 {
		said = decision.Decision{}
	}
	if d.Bits != 0 {
		g := p.groups[d.Subject()]
		if g == nil {
			return fmt.Errorf("decide speaks of %s, where the world has no resolver", d.Subject())
		}
		g.own = said
		return nil
	}
	i, known := p.find[d.Resolver]
	if !known {
		return fmt.Errorf("decide speaks of %s, which the world does not have", d.Resolver)
	}
	p.resolvers[i].own = said
	return nil
}

// of returns the decision that places a resolver's users.
func (p *placed) of(resolver int) *decision.Decision {
	s := &p.resolvers[resolver]
	if s.own.Path == 0 && s.own.Exception == 0 && s.group.own.Path != 0 {
		return &s.group.own
	}
	return &s.own
}
