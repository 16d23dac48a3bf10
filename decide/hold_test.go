package decide

import (
	"testing"

	"detour/schemas/control"
	"detour/schemas/decision"
)

// offered returns a candidate with a gain in µs of 100 ms, and a harm in ppm that is held to 20,000.
func offered(path uint8, reason decision.Reason, gain int32, harm uint32) decision.Decision {
	return decision.Decision{Candidate: path, Reason: reason, Gain: gain, Direct: 100_000, Harm: harm, HarmLimit: 20_000}
}

func TestStability(t *testing.T) {
	p := control.DefaultPolicy()
	p.Hold = 10
	p.DeadBand = control.DeadBand{EnterPPM: 10_000, LeavePPM: 2000, HarmPPM: 40_000}
	p.Damping = control.Damping{Penalty: 1000, Suppress: 1500, Reuse: 750, HalfLife: 120, Longest: 240}
	const now = firstPane
	ago := func(panes int64) int64 { return now - panes*minute }
	faster, harmed := decision.Faster, decision.CellHarmed
	onDefault, long := stay{reason: decision.NotFaster}, stay{path: 1, reason: faster, since: ago(500), penalty: 1000}
	fresh := stay{path: 1, reason: faster, since: ago(3), penalty: 1000}
	rescued := stay{path: 1, reason: decision.DefaultDown, since: ago(3)}

	for _, c := range []struct {
		name       string
		at         stay
		best, here decision.Decision
		path       uint8
		reason     decision.Reason
	}{
		{"a gain", onDefault, offered(1, faster, 1000, 0), decision.Decision{}, 1, faster},
		{"a gain below the dead band", onDefault, offered(1, faster, 999, 0), decision.Decision{}, 0, decision.NotFaster},
		{"harm", onDefault, offered(1, harmed, 9000, 21_000), decision.Decision{}, 0, harmed},
		{"soon after the way back", stay{since: ago(9), penalty: 1000}, offered(1, faster, 9000, 0), decision.Decision{}, 0, decision.Held},
		{"later", stay{since: ago(10), penalty: 1000}, offered(1, faster, 9000, 0), decision.Decision{}, 1, faster},
		{"flapping", stay{since: ago(100), penalty: 2000}, offered(1, faster, 9000, 0), decision.Decision{}, 0, decision.Damped},
		{"calm again", stay{since: ago(171), penalty: 2000}, offered(1, faster, 9000, 0), decision.Decision{}, 1, faster},

		{"stays", long, offered(1, faster, 1000, 0), offered(1, faster, 1000, 0), 1, faster},
		{"stays for less than it came for", long, offered(1, faster, 201, 0), offered(1, faster, 201, 0), 1, faster},
		{"for nearly nothing", long, offered(1, faster, 200, 0), offered(1, faster, 200, 0), 0, decision.NotFaster},
		{"for nearly nothing, soon after the move", fresh, offered(1, faster, 200, 0), offered(1, faster, 200, 0), 1, decision.Held},
		{"harm in the dead band", long, offered(1, harmed, 1000, 40_000), offered(1, harmed, 1000, 40_000), 1, decision.Held},
		{"harm beyond it, soon after the move", fresh, offered(1, harmed, 1000, 40_001), offered(1, harmed, 1000, 40_001), 0, harmed},
		{"too little is known, soon after the move", fresh, offered(1, decision.TooFew, 1000, 0), offered(1, decision.TooFew, 1000, 0), 0, decision.TooFew},
		{"flapping stays", stay{path: 1, reason: faster, since: ago(20), penalty: 2000}, offered(1, faster, 500, 0), offered(1, faster, 500, 0), 1, faster},

		{"a better candidate", long, offered(2, faster, 4000, 0), offered(1, faster, 3000, 0), 2, faster},
		{"hardly a better one", long, offered(2, faster, 3999, 0), offered(1, faster, 3000, 0), 1, faster},
		{"a better one, too soon", fresh, offered(2, faster, 4000, 0), offered(1, faster, 3000, 0), 1, decision.Held},
		{"a better one, flapping", stay{path: 1, since: ago(20), penalty: 2000}, offered(2, faster, 4000, 0), offered(1, faster, 3000, 0), 1, decision.Damped},
		{"another one while here harms", long, offered(2, faster, 4000, 0), offered(1, harmed, 3000, 50_000), 2, faster},
		{"and too soon", fresh, offered(2, faster, 4000, 0), offered(1, harmed, 3000, 50_000), 0, decision.Held},
		{"another one for the same while here gains nothing", long, offered(2, faster, 900, 0), offered(1, decision.NotFaster, 0, 0), 0, decision.NotFaster},

		{"rescued, and better off", rescued, offered(1, faster, 1000, 0), offered(1, faster, 1000, 0), 1, faster},
		{"rescued, and hardly better off", rescued, offered(1, faster, 999, 0), offered(1, faster, 999, 0), 0, decision.NotFaster},
		{"rescued, and maybe harmed", rescued, offered(1, harmed, 1000, 21_000), offered(1, harmed, 1000, 21_000), 0, harmed},
	} {
		s := newStability(&p, 0, minute)
		if d := s.latency(&c.at, now, &c.best, &c.here); d.Path != c.path || d.Reason != c.reason {
			t.Errorf("%s: %d:%s, want %d:%s", c.name, d.Path, d.Reason, c.path, c.reason)
		}
	}
}

// Only an improvement is charged, and only a move changes Since and Penalty.
func TestSettle(t *testing.T) {
	p := control.DefaultPolicy()
	p.Damping.HalfLife = 10
	s := newStability(&p, 0, minute)
	at := stay{path: 1, since: firstPane, penalty: 1000}
	now := int64(firstPane + 10*minute)
	for _, c := range []struct {
		path    uint8
		reason  decision.Reason
		since   int64
		penalty uint32
	}{
		{1, decision.Faster, firstPane, 1000},
		{2, decision.Faster, now, 1500},
		{2, decision.OverCapacity, now, 1500},
		{0, decision.OverCapacity, now, 500},
		{0, decision.CellHarmed, now, 500},
		{0, decision.CandidateDown, now, 500},
		{2, decision.DefaultDown, now, 500},
	} {
		d := decision.Decision{Path: c.path, Reason: c.reason}
		s.settle(&at, now, &d)
		if d.Previous != 1 || d.Since != c.since || d.Penalty != c.penalty {
			t.Errorf("to %d, %s: since %d, %d points, want %d, %d", c.path, c.reason, d.Since, d.Penalty, c.since, c.penalty)
		}
	}
}
