package pathmap

import (
	"net/netip"
	"slices"
)

// Necessary returns the sorted entries without those that say what follows without them: a prefix on the default path, and
// a resolver on the path of its prefix or, where that is not listed, on the default path. It works in place.
func Necessary(entries []Entry, byDefault uint8) []Entry {
	cover := cover{byDefault: byDefault}
	return slices.DeleteFunc(entries, cover.redundant)
}

// cover walks over sorted entries and knows what covers the one at hand.
type cover struct {
	byDefault uint8
	prefix    netip.Prefix // the last one listed; the zero value contains nothing
	path      uint8        // of that
}

// redundant takes the next entry.
func (c *cover) redundant(e Entry) bool {
	if e.Bits != 0 {
		c.prefix, c.path = e.Subject(), e.Path
		return e.Path == c.byDefault
	}
	if c.prefix.Contains(e.Resolver) {
		return e.Path == c.path
	}
	return e.Path == c.byDefault
}
