package history

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"detour/schemas/decision"
	"detour/schemas/pathmap"
)

// What the view map_path says of a resolver is what the DNS servers that had the version answered: by its own entry, its
// prefix's, or the default path. A resolver's history is that of its prefix, too.
func TestMapPathHonoursPrefixes(t *testing.T) {
	first, first6 := netip.MustParseAddr("192.0.2.0"), netip.MustParseAddr("2001:db8::")
	prefix := decision.Decision{Resolver: first, Bits: 24, Path: 1, Changed: 1, Reason: decision.Faster, Level: decision.Prefix}
	exception := decision.Decision{Resolver: first, Exception: 1, Changed: 1, Reason: decision.CellHarmed, Level: decision.Cell}
	s := migrated(t)
	p := newPipeline(t, 1)
	p.writeTick(1_000_000*paneMS, true, []decision.Decision{prefix, exception})
	p.publish(1_000_000*paneMS, []pathmap.Entry{
		{Resolver: first, Bits: 24, Path: 1}, {Resolver: first}, {Resolver: first6, Bits: 48, Path: 2}, {Resolver: first6, Path: 1},
	})
	p.publish(1_000_001*paneMS, []pathmap.Entry{{Resolver: first, Path: 2}, {Resolver: first6, Bits: 48, Path: 1}})
	p.publish(1_000_002*paneMS, []pathmap.Entry{{Resolver: first, Bits: 24, Path: 2}})
	p.changed = 2
	h := p.history(s, &soloGroup{log: p.log})
	runUntil(t, h, caughtUp(t, h))
	p.verify(s)

	for version, m := range p.maps {
		for _, resolver := range []string{"192.0.2.0", "192.0.2.7", "192.0.3.0", "2001:db8::", "2001:db8::7", "2001:db8:1::", "::1"} {
			got := scan[string](t, s, fmt.Sprintf("SELECT path FROM map_path(version = %d, resolver = $1)", version), resolver)
			if want := m.Paths[m.Path(netip.MustParseAddr(resolver))]; got != want {
				t.Errorf("version %d: %s on %s, want %s", version, resolver, got, want)
			}
		}
	}
	for resolver, want := range map[string][]decision.Decision{"192.0.2.7": {prefix}, "192.0.2.0": {prefix, exception}, "192.0.3.0": nil} {
		var got []decision.Decision
		all, err := s.Recall(t.Context(), netip.MustParseAddr(resolver), 1, p.genesis.PathIDs())
		for i := range all {
			got = append(got, all[i].Decision)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: recalled %+v, %v", resolver, got, err)
		}
	}
	for query, want := range map[string]string{
		"SELECT entry FROM map_path(version = 1, resolver = '192.0.2.7')":                 "192.0.2.0/24",
		"SELECT entry FROM map_path(version = 1, resolver = '192.0.2.0')":                 "192.0.2.0",
		"SELECT entry FROM map_path(version = 2, resolver = '192.0.2.7')":                 "",
		"SELECT toString(count()) FROM map_path(version = 9, resolver = '192.0.2.7')":     "0",
		"SELECT toString(prefixes * 10 + exceptions) FROM map_versions WHERE version = 1": "21",
		"SELECT toString(bits) FROM decisions WHERE exception":                            "0",
	} {
		if got := scan[string](t, s, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	const story = `SELECT arrayStringConcat(groupArray(concat(event, ' ', about, ' ', path)), ', ') FROM resolver_history(resolver = $1)`
	for resolver, want := range map[string]string{
		"192.0.2.7": "decision 192.0.2.0/24 proxy, map 192.0.2.0/24 proxy, map 192.0.2.0/24 direct, map 192.0.2.0/24 proxy-2",
		"192.0.2.0": "decision 192.0.2.0 direct, decision 192.0.2.0/24 proxy, map 192.0.2.0 direct, map 192.0.2.0/24 proxy, " +
			"map 192.0.2.0 proxy-2, map 192.0.2.0/24 direct, map 192.0.2.0 proxy-2, map 192.0.2.0/24 proxy-2",
		"2001:db8::7": "map 2001:db8::/48 proxy-2, map 2001:db8::/48 proxy, map 2001:db8::/48 direct",
	} {
		if got := scan[string](t, s, story, resolver); got != want {
			t.Errorf("%s:\n%s, want\n%s", resolver, strings.ReplaceAll(got, ", ", "\n"), strings.ReplaceAll(want, ", ", "\n"))
		}
	}
}
