// Package pathmap is a published map: which path each resolver's users take, as canonical bytes with a digest, and the
// manifest that goes with them.
//
// Only resolvers off the default path are listed. Two maps that mean the same have the same bytes: Encode is the only
// encoding, and Decode refuses any other.
package pathmap

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
)

// Version of the record; it is part of the topic's name.
const Version = 1

// Entry puts one resolver on one path.
type Entry struct {
	Resolver netip.Addr // never an IPv4-mapped IPv6 address
	Path     uint8      // index in Map.Paths, never the default's
}

// Map is one version's content.
type Map struct {
	Genesis string   // hash of the genesis record, 64 hex digits
	Policy  string   // hash of the policy, 64 hex digits
	Pane    int64    // start of the pane that it reached, ms since the Unix epoch
	Paths   []string // catalogue
	Default uint8    // index of the default path in it
	Entries []Entry  // sorted by resolver, IPv4 first
}

// Path returns the index of the path for a resolver: its entry's, or the default.
func (m *Map) Path(resolver netip.Addr) uint8 {
	i, found := slices.BinarySearchFunc(m.Entries, resolver.Unmap(), func(e Entry, a netip.Addr) int {
		return e.Resolver.Compare(a)
	})
	if !found {
		return m.Default
	}
	return m.Entries[i].Path
}

// Digest returns the SHA-256 of a map's bytes in hex.
func Digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Compare orders entries by resolver: IPv4 before IPv6, then by value.
func Compare(a, b Entry) int { return a.Resolver.Compare(b.Resolver) }

// check reports what makes a map invalid.
func (m *Map) check() error {
	if len(m.Paths) < 1 || len(m.Paths) > MaxPaths || int(m.Default) >= len(m.Paths) {
		return fmt.Errorf("%d paths with default %d", len(m.Paths), m.Default)
	}
	for i, e := range m.Entries {
		if !e.Resolver.IsValid() || e.Resolver.Is4In6() || e.Resolver.Zone() != "" {
			return fmt.Errorf("entry %d: resolver %s", i, e.Resolver)
		}
		if int(e.Path) >= len(m.Paths) || e.Path == m.Default {
			return fmt.Errorf("entry %d: path %d of %d, default %d", i, e.Path, len(m.Paths), m.Default)
		}
		if i > 0 && Compare(m.Entries[i-1], e) >= 0 {
			return fmt.Errorf("entry %d: out of order", i)
		}
	}
	return nil
}
