package pathmap

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// anyAddr draws addresses that are close together: neighbours in few prefixes, and repeats.
func anyAddr(t *rapid.T) netip.Addr {
	third, last := rapid.Byte().Draw(t, "prefix")&3, rapid.Byte().Draw(t, "last")&7
	switch rapid.IntRange(0, 3).Draw(t, "family") {
	case 0:
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, third, last & 1, 15: last})
	case 1:
		return netip.AddrFrom16([16]byte{5: third >> 1, 15: last}) // ::/48 holds all IPv4-mapped addresses
	}
	return netip.AddrFrom4([4]byte{third & 1 * 10, 0, third, last})
}

// listing is the dumb map: every prefix with its path, searched from end to end for the longest that contains a resolver.
type listing map[netip.Prefix]uint8

func (l listing) path(resolver netip.Addr, byDefault uint8) uint8 {
	longest := -1
	for p, path := range l {
		if p.Contains(resolver) && p.Bits() > longest {
			longest, byDefault = p.Bits(), path
		}
	}
	return byDefault
}

// entries returns the listing as a map has it.
func (l listing) entries(byDefault uint8) []Entry {
	entries := []Entry{}
	for p, path := range l {
		e := Entry{Resolver: p.Addr(), Path: path}
		if !p.IsSingleIP() {
			e.Bits = uint8(p.Bits())
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, Compare)
	return Necessary(entries, byDefault)
}

func anyListing(t *rapid.T, paths int) listing {
	l := listing{}
	for range rapid.IntRange(0, 40).Draw(t, "entries") {
		a := anyAddr(t)
		p := netip.PrefixFrom(a, a.BitLen())
		if rapid.IntRange(0, 3).Draw(t, "prefix") == 0 {
			p, _ = a.Prefix(map[bool]int{true: 24, false: 48}[a.Is4()])
		}
		l[p] = uint8(rapid.IntRange(0, paths-1).Draw(t, "path"))
	}
	return l
}

// Whatever goes in comes out, every resolver gets what the longest match in a list says, and no entry can be left out.
func TestAgainstTheLongestMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &Map{
			Genesis: hashes[0], Policy: hashes[1], Pane: rapid.Int64().Draw(t, "pane"),
			Paths: rapid.SliceOfN(rapid.StringN(0, 20, MaxPathName), 2, 4).Draw(t, "paths"),
		}
		m.Default = uint8(rapid.IntRange(0, len(m.Paths)-1).Draw(t, "default"))
		want := anyListing(t, len(m.Paths))
		m.Entries = want.entries(m.Default)
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(data)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Fatalf("%+v, %v", got, err)
		}
		for range 40 {
			a := anyAddr(t)
			path := want.path(a, m.Default)
			if got.Path(a) != path || a.Is4() && got.Path(netip.AddrFrom16(a.As16())) != path {
				t.Fatalf("%s gets path %d, want %d", a, got.Path(a), path)
			}
		}
		for i := range m.Entries {
			less := *m
			less.Entries = slices.Delete(slices.Clone(m.Entries), i, i+1)
			before, after := m.PathOf(m.Entries[i]), less.PathOf(m.Entries[i])
			if before != m.Entries[i].Path || before == after {
				t.Fatalf("%s says nothing: %d with and without it", m.Entries[i], before)
			}
		}
	})
}

// Adding what is redundant changes no byte.
func TestRedundantEntriesAreNotWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &Map{Genesis: hashes[0], Policy: hashes[1], Paths: []string{"direct", "a", "b"}}
		l := anyListing(t, 3)
		m.Entries = l.entries(0)
		want := mustEncode(t, m)
		more := slices.Clone(m.Entries)
		for range rapid.IntRange(1, 9).Draw(t, "more") {
			a := anyAddr(t)
			more = append(more, Entry{Resolver: a, Path: m.Path(a)})
		}
		slices.SortFunc(more, Compare)
		m.Entries = Necessary(slices.CompactFunc(more, func(a, b Entry) bool { return Compare(a, b) == 0 }), 0)
		if got := mustEncode(t, m); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

func mustEncode(t *rapid.T, m *Map) []byte {
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCounts(t *testing.T) {
	if prefixes, exceptions := example().Counts(); prefixes != 3 || exceptions != 1 {
		t.Errorf("%d prefixes and %d exceptions", prefixes, exceptions)
	}
}
