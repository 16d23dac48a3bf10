package history

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
	"detour/schemas/pathmap"
)

// A difference names exactly what two maps list otherwise, and where both send it, and turns one into the other.
func TestDifference(t *testing.T) {
	paths := []string{"direct", "proxy", "proxy-2"}
	content := rapid.MapOf(rapid.IntRange(-3, 12), rapid.Uint8Range(0, 2))
	rapid.Check(t, func(t *rapid.T) {
		from, to := mapOf(paths, content.Draw(t, "from")), mapOf(paths, content.Draw(t, "to"))
		old, want := listed(from), listed(to)
		got := maps.Clone(old)
		var order []pathmap.Entry
		for _, c := range difference(from, to) {
			e := pathmap.Entry{Resolver: c.Resolver, Bits: c.Bits}
			path, is := want[e.Subject()]
			previous, was := old[e.Subject()]
			if c.Listed != is || !is && !was || is && was && path == previous {
				t.Fatalf("%+v: from %q to %q", c, previous, path)
			}
			if c.Bits == 0 && (c.Path != paths[to.Path(c.Resolver)] || c.Previous != paths[from.Path(c.Resolver)]) {
				t.Fatalf("%+v: from %q to %q", c, paths[from.Path(c.Resolver)], paths[to.Path(c.Resolver)])
			}
			if c.Bits != 0 && (c.Path != cmp.Or(path, "direct") || c.Previous != cmp.Or(previous, "direct")) {
				t.Fatalf("%+v: from %q to %q", c, previous, path)
			}
			if delete(got, e.Subject()); c.Listed {
				got[e.Subject()] = c.Path
			}
			order = append(order, e)
		}
		if !maps.Equal(got, want) {
			t.Fatalf("adds up to %v, want %v", got, want)
		}
		if !slices.IsSortedFunc(order, pathmap.Compare) {
			t.Fatal("not in a map's order")
		}
	})
}

// A rename of paths between versions is no change: names are compared, not their indices.
func TestDifferenceOfCatalogues(t *testing.T) {
	entries := []pathmap.Entry{{Resolver: address(1), Path: 1}}
	from := &pathmap.Map{Paths: []string{"direct", "proxy", "proxy-2"}, Entries: entries}
	to := &pathmap.Map{Paths: []string{"direct", "proxy"}, Entries: entries}
	if got := difference(from, to); len(got) != 0 {
		t.Error(got)
	}
	to.Paths = []string{"direct", "proxy-2"}
	if got := difference(from, to); len(got) != 1 || got[0] != (change{address(1), 0, "proxy-2", "proxy", true}) {
		t.Error(got)
	}
}

// mapOf returns a map of resolvers and, below 0, of prefixes.
func mapOf(paths []string, content map[int]uint8) *pathmap.Map {
	m := &pathmap.Map{Paths: paths}
	for i, path := range content {
		m.Entries = append(m.Entries, entryAt(i, path))
	}
	slices.SortFunc(m.Entries, pathmap.Compare)
	m.Entries = pathmap.Necessary(m.Entries, m.Default)
	return m
}

// entryAt is about address(i), for i from -1 to -3 about a prefix: two of them hold all addresses of a small map.
func entryAt(i int, path uint8) pathmap.Entry {
	if i >= 0 {
		return pathmap.Entry{Resolver: address(i), Path: path}
	}
	p := schemas.PrefixOf(address([]int{1, 3, 512}[-i-1]))
	return pathmap.Entry{Resolver: p.Addr(), Bits: uint8(p.Bits()), Path: path}
}

func listed(m *pathmap.Map) map[netip.Prefix]string {
	content := map[netip.Prefix]string{}
	for _, e := range m.Entries {
		content[e.Subject()] = m.Paths[e.Path]
	}
	return content
}
