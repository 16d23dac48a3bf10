package backtest

import (
	"net/netip"
	"testing"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// A resolver without a state is where its prefix is, and moves with it; one that has a state does not.
func TestResolversFollowTheirPrefix(t *testing.T) {
	own, follower, later := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	g := control.Genesis{Pane: minute, Paths: []control.Path{{ID: "direct", Default: true}, {ID: "proxy"}}}
	c := newComparison(&g, nil, nil)
	seen := func(resolvers ...netip.Addr) (windows []window.Window) {
		for _, r := range resolvers {
			windows = append(windows, window.Window{Resolver: r, Runs: 1})
		}
		return windows
	}
	prefix := decision.Decision{
		Resolver: netip.MustParseAddr("192.0.2.0"), Bits: 24, Path: 1, Candidate: 1, Gain: 5000, Harm: 10_000, Changed: 1, Reason: decision.Faster,
	}
	stays := decision.Decision{Resolver: own, Exception: 1, Changed: 1, Reason: decision.NotFaster}
	gone := decision.Decision{Resolver: own, Gone: 1, Changed: 1, Path: 1}
	back := prefix
	back.Path, back.Previous, back.Reason = 0, 1, decision.Uncertain
	at := int64(first)
	step := func(windows []window.Window, rows ...decision.Decision) {
		c.take(&decision.Whole{Pane: at}, &decision.Whole{Pane: at, Decisions: rows}, windows, 0)
		at += minute
	}
	step(seen(own, follower), stays)
	step(seen(own, follower), prefix)
	step(seen(own, follower, later)) // two of three by proxy, the third never moved
	step(seen(own, follower, later), gone)
	step(seen(own, follower, later)) // all three
	step(nil, back)
	r := c.result(new(control.Policy), new(control.Policy))
	if r.Runs != 13 || r.After.Off != 7.0/13 || r.Moved != 7.0/13 || r.Before.Off != 0 {
		t.Errorf("%d runs, %v off the default path", r.Runs, r.After.Off)
	}
	if r.After.GainMS != 35.0/13 || r.After.Harm != 0.07/13 {
		t.Errorf("gain %v, harm %v", r.After.GainMS, r.After.Harm)
	}
	// follower: out and back; own: out when its state goes, and back; later: back.
	if r.After.Moves != 5 || r.After.MovedTwice != 2 || r.After.Rerouted != 0 || r.MovedResolvers != 0 {
		t.Errorf("%d moves, %d twice, %d rerouted", r.After.Moves, r.After.MovedTwice, r.After.Rerouted)
	}
}
