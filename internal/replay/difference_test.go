package replay

import (
	"net/netip"
	"strings"
	"testing"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/sample"
	"detour/schemas/window"
)

func TestMapDifferencesNameTheFirstResolverOrField(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	of := func(m pathmap.Map) *pathmap.Publication {
		m.Genesis, m.Paths = hash, []string{"direct", "proxy"}
		if m.Policy == "" {
			m.Policy = hash
		}
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return &pathmap.Publication{Bytes: data, Manifest: pathmap.Manifest{Version: 7, Digest: pathmap.Digest(data), Size: len(data)}}
	}
	list := func(subjects ...string) (m pathmap.Map) {
		for _, s := range subjects {
			e := pathmap.Entry{Path: 1}
			if address, exception := strings.CutPrefix(s, "not "); exception {
				s, e.Path = address, 0
			}
			if p, err := netip.ParsePrefix(s); err == nil {
				e.Resolver, e.Bits = p.Addr(), uint8(p.Bits())
			} else {
				e.Resolver = netip.MustParseAddr(s)
			}
			m.Entries = append(m.Entries, e)
		}
		return m
	}
	for _, c := range []struct {
		derived, published pathmap.Map
		want               string
	}{
		{list("192.0.2.1", "192.0.2.3"), list("192.0.2.1", "192.0.2.2"), "resolver 192.0.2.2: path is direct derived, proxy published"},
		{list("192.0.2.1", "192.0.2.3"), list("192.0.2.1"), "resolver 192.0.2.3: path is proxy derived, direct published"},
		{list(), list("2001:db8::1"), "resolver 2001:db8::1: path is direct derived, proxy published"},
		{list("192.0.2.0/24"), list("192.0.2.0"), "resolver 192.0.2.0/24: path is proxy derived, direct published"},
		{list("192.0.2.0/24", "not 192.0.2.7"), list("192.0.2.0/24"), "resolver 192.0.2.7: path is direct derived, proxy published"},
		{pathmap.Map{Pane: 60_000}, pathmap.Map{Pane: 120_000}, "pane is 1970-01-01 00:01:00 derived, 1970-01-01 00:02:00 published"},
		{pathmap.Map{Policy: strings.Repeat("cd", 32)}, pathmap.Map{}, "policy is cdcd"},
	} {
		d, err := versionDifference(of(c.derived), of(c.published))
		if err != nil || !strings.HasPrefix(d.String(), "version 7 differs: "+c.want) {
			t.Errorf("says %q, %v, want %q", d, err, c.want)
		}
	}
}

// A snapshot and the map of the same state say the same though they do not list the same: a map leaves out who is where
// its prefix is.
func TestASnapshotIsComparedWithWhatItsMapSays(t *testing.T) {
	at := netip.MustParseAddr
	rows := []decision.Decision{
		{Resolver: at("192.0.2.0"), Bits: 24, Path: 1},
		{Resolver: at("192.0.2.1"), Path: 1},
		{Resolver: at("192.0.2.2"), Exception: 1},
		{Resolver: at("192.0.3.1")},
	}
	m := &pathmap.Map{Paths: []string{"direct", "proxy"}, Entries: []pathmap.Entry{
		{Resolver: at("192.0.2.0"), Bits: 24, Path: 1}, {Resolver: at("192.0.2.2")},
	}}
	snapshot := &decision.Whole{Tick: decision.Tick{Number: 3}, Decisions: rows}
	if d := snapshotDifference(snapshot, m, 7); d != nil {
		t.Errorf("they differ: %s", d)
	}
	rows[2].Exception = 0
	const want = "tick 3 differs: resolver 192.0.2.2: path is proxy in this snapshot, direct in version 7, which is of the same state"
	if d := snapshotDifference(snapshot, m, 7); d == nil || d.String() != want {
		t.Errorf("says %q, want %q", d, want)
	}
}

func TestTickDifferencesNameTheFirstResolverOrField(t *testing.T) {
	g := control.Genesis{Paths: []control.Path{{ID: "direct"}, {ID: "proxy"}}}
	row := func(last byte) decision.Decision {
		return decision.Decision{Resolver: netip.AddrFrom4([4]byte{192, 0, 2, last}), Changed: 1, Reason: decision.Faster}
	}
	of := func(change func(*decision.Whole)) *decision.Whole {
		w := &decision.Whole{Decisions: []decision.Decision{row(1), row(2)}, Tick: decision.Tick{Number: 3}}
		change(w)
		return w
	}
	for want, change := range map[string]func(*decision.Whole){
		"resolver 192.0.2.2: path is direct derived, proxy published":   func(w *decision.Whole) { w.Decisions[1].Path = 1 },
		"resolver 192.0.2.1: reason is faster derived, held published":  func(w *decision.Whole) { w.Decisions[0].Reason = decision.Held },
		"resolver 192.0.2.1: worst_asn is 0 derived, 64500 published":   func(w *decision.Whole) { w.Decisions[0].WorstASN = 64500 },
		"resolver 192.0.2.2: path is direct derived, nothing published": func(w *decision.Whole) { w.Decisions = w.Decisions[:1] },
		"resolver 192.0.2.0: path is nothing derived, direct published": func(w *decision.Whole) { w.Decisions = append([]decision.Decision{row(0)}, w.Decisions...) },
		"resolver 192.0.2.0/24: path is nothing derived, proxy published": func(w *decision.Whole) {
			w.Decisions = append([]decision.Decision{{Resolver: row(0).Resolver, Bits: 24, Path: 1, Changed: 1}}, w.Decisions...)
		},
		"resolver 192.0.2.1: exception is 0 derived, 1 published":            func(w *decision.Whole) { w.Decisions[0].Exception = 1 },
		"policy is none derived, p published":                                func(w *decision.Whole) { w.Tick.Policy = "p" },
		"previous is none derived, other published":                          func(w *decision.Whole) { w.Tick.Previous = "other" },
		"its rows are the same, its digest is not":                           func(w *decision.Whole) { w.Decisions[0].Changed = 1 },
		"pane is 1970-01-01 00:00:00 derived, 1970-01-01 00:01:00 published": func(w *decision.Whole) { w.Pane = 60_000 },
	} {
		if got := tickDifference(&g, of(func(*decision.Whole) {}), of(change)).String(); got != "tick 3 differs: "+want {
			t.Errorf("says %q, want %q", got, want)
		}
	}
}

func TestPaneDifferencesNameTheWindowAndField(t *testing.T) {
	g := control.Genesis{Paths: []control.Path{{ID: "direct"}, {ID: "proxy"}}}
	de, err := sample.ParseCountry("DE")
	if err != nil {
		t.Fatal(err)
	}
	of := func(change func(*window.Pane)) *window.Pane {
		w := window.Window{Resolver: netip.MustParseAddr("192.0.2.1"), Country: de, ASN: 64500, Path: 1, Class: sample.New, OK: 3}
		w.Latency.Add(40, 2)
		w.Latency.Add(41, 1)
		p := &window.Pane{Windows: []window.Window{w}}
		change(p)
		return p
	}
	const where = "resolver 192.0.2.1: cell DE/AS64500, path proxy, new connections: "
	for want, change := range map[string]func(*window.Pane){
		where + "ok is 3 derived, 4 published":                func(p *window.Pane) { p.Windows[0].OK = 4 },
		where + "http_errors is 0 derived, 1 published":       func(p *window.Pane) { p.Windows[0].HTTPErrors = 1 },
		where + "latency is 1 in bin 41 derived, 2 published": func(p *window.Pane) { p.Windows[0].Latency.Counts[1] = 2 },
		where + "latency is 0 in bin 50 derived, 1 published": func(p *window.Pane) { p.Windows[0].Latency.Add(50, 1) },
		where + "samples is 3 derived, nothing published":     func(p *window.Pane) { p.Windows = nil },
		"its windows are the same, its digest is not":         func(*window.Pane) {},
		"resolver 192.0.2.1: all other cells, path proxy, new connections: samples is nothing derived, 3 published": func(p *window.Pane) {
			other := p.Windows[0]
			other.Other, other.Country, other.ASN = 1, 0, 0
			p.Windows = append(p.Windows, other)
		},
	} {
		got := paneDifference(&g, 2, of(func(*window.Pane) {}), of(change)).String()
		if got != "pane 1970-01-01 00:00:00 of partition 2 differs: "+want {
			t.Errorf("says %q, want %q", got, want)
		}
	}
}
