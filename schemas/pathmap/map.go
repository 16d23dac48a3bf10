// Package pathmap is a published map: which path each resolver's users take, as canonical bytes with a digest, and the
// manifest that goes with them.
//
// An entry is about one resolver or about a prefix, whose resolvers it covers where they have no entry of their own. No
// entry says what follows without it, so that all but a few are off the default path. Two maps with the same entries have
// the same bytes: Encode is the only encoding, and Decode refuses any other.
package pathmap

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"sort"

	"detour/schemas"
)

// Version of the record; it is part of the topic's name.
const Version = 1

// Entry puts one resolver, or those of a prefix, on one path.
type Entry struct {
	Resolver netip.Addr // never an IPv4-mapped IPv6 address; of a prefix the first address
	Path     uint8      // index in Map.Paths; the default's only where a prefix would say otherwise
	Bits     uint8      // 0 = the resolver itself; else the prefix's length, 24, for IPv6 48
}

// Subject returns what the entry is about: see schemas.Subject.
func (e Entry) Subject() netip.Prefix { return schemas.Subject(e.Resolver, e.Bits) }

func (e Entry) String() string { return schemas.SubjectText(e.Subject()) }

// Map is one version's content.
type Map struct {
	Genesis string   // hash of the genesis record, 64 hex digits
	Policy  string   // hash of the policy, 64 hex digits
	Pane    int64    // start of the pane that it reached, ms since the Unix epoch
	Paths   []string // catalogue
	Default uint8    // index of the default path in it
	Entries []Entry  // sorted by Compare: a prefix before what it covers
}

// Compare orders entries by address, IPv4 before IPv6, and a prefix before the resolver that begins it.
func Compare(a, b Entry) int { return schemas.CompareSubjects(a.Resolver, a.Bits, b.Resolver, b.Bits) }

// Path returns the index of the path for a resolver: its entry's, or that of its prefix, or the default. It allocates
// nothing. The last entry whose address is not above the resolver's is its own, or its prefix's, or a neighbour's: only
// behind a neighbour the prefix has to be searched for.
func (m *Map) Path(resolver netip.Addr) uint8 {
	resolver = resolver.Unmap()
	at := sort.Search(len(m.Entries), func(i int) bool { return m.Entries[i].Resolver.Compare(resolver) > 0 }) - 1
	if at < 0 {
		return m.Default
	}
	e := &m.Entries[at]
	if e.Bits == 0 && e.Resolver == resolver {
		return e.Path
	}
	prefix := schemas.PrefixOf(resolver)
	if !prefix.Contains(e.Resolver) {
		return m.Default
	}
	if e.Bits == 0 {
		e = m.firstOf(prefix.Addr(), at)
	}
	if e.Bits == 0 {
		return m.Default
	}
	return e.Path
}

// firstOf returns the first entry at or above an address, going back from one that is: a prefix stands before all that it
// covers, and that is seldom much.
func (m *Map) firstOf(first netip.Addr, at int) *Entry {
	from := at
	for step := 1; from > 0 && m.Entries[from].Resolver.Compare(first) >= 0; step *= 2 {
		from = max(0, from-step)
	}
	n := sort.Search(at-from, func(i int) bool { return m.Entries[from+i].Resolver.Compare(first) >= 0 })
	return &m.Entries[from+n]
}

// PathOf returns the index of the path for those that an entry of any map is about: a resolver's as Path has it, a prefix's
// where it is listed, or the default.
func (m *Map) PathOf(e Entry) uint8 {
	if e.Bits == 0 {
		return m.Path(e.Resolver)
	}
	at, found := slices.BinarySearchFunc(m.Entries, e, Compare)
	if !found {
		return m.Default
	}
	return m.Entries[at].Path
}

// Counts returns how many entries are about prefixes, and how many keep a resolver on the default path that its prefix
// would take off it.
func (m *Map) Counts() (prefixes, exceptions int) {
	for _, e := range m.Entries {
		switch {
		case e.Bits != 0:
			prefixes++
		case e.Path == m.Default:
			exceptions++
		}
	}
	return prefixes, exceptions
}

// Digest returns the SHA-256 of a map's bytes in hex.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// check reports what makes a map invalid.
func (m *Map) check() error {
	if len(m.Paths) < 1 || len(m.Paths) > MaxPaths || int(m.Default) >= len(m.Paths) {
		return fmt.Errorf("%d paths with default %d", len(m.Paths), m.Default)
	}
	cover := cover{byDefault: m.Default}
	for i, e := range m.Entries {
		if err := schemas.CheckSubject(e.Resolver, e.Bits); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		if int(e.Path) >= len(m.Paths) {
			return fmt.Errorf("entry %d: path %d of %d", i, e.Path, len(m.Paths))
		}
		if i > 0 && Compare(m.Entries[i-1], e) >= 0 {
			return fmt.Errorf("entry %d: out of order", i)
		}
		if cover.redundant(e) {
			return fmt.Errorf("entry %d: path %d is what %s gets without it", i, e.Path, e)
		}
	}
	return nil
}
