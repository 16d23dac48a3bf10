package evaluate

import (
	"net/netip"
	"testing"

	"detour/schemas/decision"
)

// TestPlacedIsWhatAMapSays: a resolver of its own, of its prefix, an exception from it, and after both are gone.
func TestPlacedIsWhatAMapSays(t *testing.T) {
	f := newFake(1, 2, 3) // 192.0.2.1 and .2
	p := newPlaced(&f.layout)
	first, prefix := f.layout.Resolvers[0].Address, netip.MustParseAddr("192.0.2.0")
	for i, step := range []struct {
		said decision.Decision
		want [2]uint8
	}{
		{decision.Decision{Resolver: first, Path: 1}, [2]uint8{1, 0}},
		{decision.Decision{Resolver: prefix, Bits: 24, Path: 2, Level: decision.Prefix}, [2]uint8{1, 2}},
		{decision.Decision{Resolver: first, Path: 0, Exception: 1}, [2]uint8{0, 2}},
		{decision.Decision{Resolver: first, Path: 0}, [2]uint8{2, 2}}, // no entry of its own
		{decision.Decision{Resolver: first, Path: 1}, [2]uint8{1, 2}},
		{decision.Decision{Resolver: prefix, Bits: 24, Path: 2, Gone: 1}, [2]uint8{1, 0}},
		{decision.Decision{Resolver: first, Path: 1, Gone: 1}, [2]uint8{0, 0}},
	} {
		if err := p.take(&step.said); err != nil {
			t.Fatal(err)
		}
		if got := [2]uint8{p.of(0).Path, p.of(1).Path}; got != step.want {
			t.Errorf("step %d: paths %v, want %v", i, got, step.want)
		}
	}
	for _, d := range []decision.Decision{{Resolver: netip.MustParseAddr("192.0.2.9")}, {Resolver: netip.MustParseAddr("10.0.0.0"), Bits: 24}} {
		if p.take(&d) == nil {
			t.Errorf("%s is of no world, and no error", d.Subject())
		}
	}
}
