package publish_test

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"pgregory.net/rapid"

	"detour/schemas/decision"
)

// subjects are few, so that ticks meet one another: resolvers that share a prefix and such that do not, and prefixes.
var subjects = func() (all []netip.Prefix) {
	for i := range 8 {
		all = append(all,
			netip.MustParsePrefix(fmt.Sprintf("192.0.2.%d/32", 3*i)), netip.MustParsePrefix(fmt.Sprintf("2001:db8:%d::1/128", i%3)))
	}
	for _, p := range []string{"192.0.2.0/24", "198.51.100.0/24", "2001:db8::/48", "2001:db8:1::/48"} {
		all = append(all, netip.MustParsePrefix(p))
	}
	return slices.Compact(slices.SortedFunc(slices.Values(all), netip.Prefix.Compare))
}()

// everybody is who asks: those resolvers, and of each prefix one that never has state.
var everybody = func() (all []netip.Addr) {
	for _, s := range subjects {
		if all = append(all, s.Addr()); !s.IsSingleIP() {
			all = append(all, s.Addr().Next().Next())
		}
	}
	return all
}()

// placed is the dumb state: the path of every resolver and prefix that has one. The default path is 0.
type placed map[netip.Prefix]uint8

// prefix returns the path of the prefix around a resolver.
func (s placed) prefix(resolver netip.Addr) (path uint8) {
	for p, of := range s {
		if !p.IsSingleIP() && p.Contains(resolver) {
			path = of
		}
	}
	return path
}

func (s placed) path(resolver netip.Addr) uint8 {
	if path, ok := s[netip.PrefixFrom(resolver, resolver.BitLen())]; ok {
		return path
	}
	return s.prefix(resolver)
}

func (s placed) differs(before placed) bool {
	return slices.ContainsFunc(everybody, func(r netip.Addr) bool { return s.path(r) != before.path(r) })
}

// row returns what decide says of a subject, by the contract of decision.Decision.
func (s placed) row(subject netip.Prefix) decision.Decision {
	d := decision.Decision{Resolver: subject.Addr()}
	path, ok := s[subject]
	if d.Path = path; !ok {
		d.Gone = 1
	}
	switch {
	case !subject.IsSingleIP():
		d.Bits = uint8(subject.Bits())
	case ok && path == 0 && s.prefix(subject.Addr()) != 0:
		d.Exception = 1
	}
	return d
}

func (s placed) snapshot() (rows []decision.Decision) {
	for _, subject := range slices.SortedFunc(maps.Keys(s), netip.Prefix.Compare) {
		rows = append(rows, s.row(subject))
	}
	return rows
}

// draw returns the state after another tick, and the tick's rows: a few subjects, and the resolvers with state of the
// prefixes that moved.
func (s placed) draw(t *rapid.T) (next placed, rows []decision.Decision) {
	next = maps.Clone(s)
	touched := rapid.SliceOfNDistinct(rapid.SampledFrom(subjects), 0, 6, rapid.ID).Draw(t, "rows")
	for _, subject := range touched {
		if rapid.IntRange(0, 2).Draw(t, "gone") == 0 {
			delete(next, subject)
		} else {
			next[subject] = rapid.Uint8Range(0, 2).Draw(t, "path")
		}
	}
	for subject := range next {
		if r := subject.Addr(); subject.IsSingleIP() && s.prefix(r) != next.prefix(r) && !slices.Contains(touched, subject) {
			touched = append(touched, subject)
		}
	}
	for _, subject := range touched {
		d := next.row(subject)
		d.Changed = 1
		rows = append(rows, d)
	}
	return next, rows
}
