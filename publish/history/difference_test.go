package history

import (
	"maps"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/pathmap"
)

// A difference names exactly the resolvers that two maps send elsewhere or list otherwise, and turns one into the other.
func TestDifference(t *testing.T) {
	paths := []string{"direct", "proxy", "proxy-2"}
	content := rapid.MapOf(rapid.IntRange(0, 12), rapid.Uint8Range(0, 2))
	rapid.Check(t, func(t *rapid.T) {
		from, to := mapOf(paths, content.Draw(t, "from")), mapOf(paths, content.Draw(t, "to"))
		old, want := listed(from), listed(to)
		got := maps.Clone(old)
		var order []pathmap.Entry
		for _, c := range difference(from, to) {
			path, is := want[c.Resolver]
			previous, was := old[c.Resolver]
			if !was {
				previous = paths[to.Default]
			}
			if c.Listed != is || c.Previous != previous || is && c.Path != path || !is && c.Path != paths[to.Default] || is && was && path == previous {
				t.Fatalf("%+v: from %q to %q", c, old[c.Resolver], path)
			}
			if delete(got, c.Resolver); c.Listed {
				got[c.Resolver] = c.Path
			}
			order = append(order, pathmap.Entry{Resolver: c.Resolver})
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
	if got := difference(from, to); len(got) != 1 || got[0] != (change{address(1), "proxy-2", "proxy", true}) {
		t.Error(got)
	}
}

func mapOf(paths []string, content map[int]uint8) *pathmap.Map {
	m := &pathmap.Map{Paths: paths}
	for i, path := range content {
		m.Entries = append(m.Entries, pathmap.Entry{Resolver: address(i), Path: path})
	}
	slices.SortFunc(m.Entries, pathmap.Compare)
	return m
}

func listed(m *pathmap.Map) map[netip.Addr]string {
	content := map[netip.Addr]string{}
	for _, e := range m.Entries {
		content[e.Resolver] = m.Paths[e.Path]
	}
	return content
}
