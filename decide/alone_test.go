package decide

import (
	"slices"
	"testing"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// TestNeighboursSpeakUnlessTheyMayNot has a resolver with two runs among neighbours with many, in the first tick of the
// second epoch, when the first has taught.
func TestNeighboursSpeakUnlessTheyMayNot(t *testing.T) {
	decide := func(p control.Policy) (last, prefix decision.Decision) {
		f := newFeed(t, testGenesis(1, 2), p)
		for pane := range 16 {
			var ws []window.Window
			for n := range 9 {
				if n == 0 && pane < 15 {
					continue
				}
				for _, s := range both(berlin, 2, -5, -5) {
					ws = append(ws, s.windowOf(address(n)))
				}
			}
			slices.SortFunc(ws, func(a, b window.Window) int { return window.Compare(&a, &b) })
			f.pane(t, 0, 1005*minute+int64(pane)*minute, ws, 1000, 0)
		}
		out, err := f.run(New(f.genesis, 0), nil, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range ticks(t, out) {
			for _, d := range w.Decisions {
				switch {
				case d.Bits != 0:
					prefix = d
				case d.Resolver == address(0):
					last = d
				}
			}
		}
		return last, prefix
	}
	p := control.DefaultPolicy()
	p.Harm.Budget = 0
	if d, prefix := decide(p); d.Reason != decision.Faster || d.Level != decision.Prefix || prefix.Path != 1 {
		t.Errorf("with neighbours: %s at %s, the prefix on path %d; want faster at prefix, and 1", d.Reason, d.Level, prefix.Path)
	}
	p.Latency.Alone = true
	if d, prefix := decide(p); d.Reason != decision.TooFew || prefix.Path != 0 {
		t.Errorf("alone: %s, the prefix on path %d; want too_few, and 0", d.Reason, prefix.Path)
	}
}
