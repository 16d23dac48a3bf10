package decide

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/control"
)

// slowDamping is RFC 2439 pane by pane in floating point: the figure of merit (section 4.2) decays at every pane (4.8.4), a
// flap adds to it (4.8.2), a flag says whether it is suppressed (4.8.1), and a ceiling bounds it. It has one addition: a
// change of path while suppressed leaves at least the cutoff.
type slowDamping struct {
	of         control.Damping
	merit      float64
	suppressed bool
	quiet      int // panes since the last change of path
	changes    int
}

func (s *slowDamping) pass() {
	s.merit *= math.Pow(2, -1/float64(s.of.HalfLife))
	s.quiet++
	s.suppressed = s.suppressed && s.merit >= float64(s.of.Reuse) && s.quiet < s.of.Longest
}

func (s *slowDamping) change(improvement bool) {
	if s.suppressed {
		s.merit = max(s.merit, float64(s.of.Suppress))
	}
	if improvement {
		s.merit += float64(s.of.Penalty)
	}
	ceiling := float64(s.of.Reuse) * math.Pow(2, float64(s.of.Longest)/float64(s.of.HalfLife))
	s.merit = min(s.merit, max(ceiling, float64(s.of.Suppress)))
	s.suppressed = s.merit >= float64(s.of.Suppress)
	s.quiet = 0
	s.changes++
}

// near reports whether rounding, up to a point at each change of path, may turn a comparison with a threshold.
func (s *slowDamping) near(threshold int) bool {
	return math.Abs(s.merit-float64(threshold)) < 2+float64(s.changes)
}

func drawDamping(t *rapid.T) control.Damping {
	d := control.Damping{
		Penalty: rapid.IntRange(1, 3000).Draw(t, "penalty"), Reuse: rapid.IntRange(100, 2000).Draw(t, "reuse"),
		HalfLife: rapid.IntRange(1, 300).Draw(t, "half-life"), Longest: rapid.IntRange(1, 600).Draw(t, "longest"),
	}
	d.Suppress = d.Reuse + rapid.IntRange(0, 2000).Draw(t, "above reuse")
	return d
}

func TestDampingAgreesWithASlowOne(t *testing.T) {
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		of := drawDamping(t)
		d, slow := newDamping(&of), slowDamping{of: of}
		penalty, since := uint32(0), int64(0)
		for pane := range int64(400) {
			got := d.suppressed(penalty, pane-since)
			if (got || slow.suppressed) && slow.near(of.Reuse) { // floats and whole points may part here
				return
			}
			if got != slow.suppressed {
				t.Fatalf("pane %d: suppressed %t with %d points %d panes ago, the slow one has %g", pane, got, penalty, pane-since, slow.merit)
			}
			compared++
			if rapid.IntRange(0, 9).Draw(t, "calm") == 0 {
				improvement := !slow.suppressed && rapid.Bool().Draw(t, "improvement")
				penalty, since = d.charge(penalty, pane-since, improvement), pane
				slow.change(improvement)
				if diff := float64(penalty) - slow.merit; diff < -1e-6*slow.merit-1 || diff > 1e-6*slow.merit+1+float64(slow.changes) {
					t.Fatalf("pane %d: %d points, the slow one has %g", pane, penalty, slow.merit)
				}
				if slow.near(of.Suppress) || slow.near(of.Reuse) {
					return
				}
				if d.suppressed(penalty, 0) != slow.suppressed {
					t.Fatalf("pane %d: suppressed %t, the slow one %t", pane, !slow.suppressed, slow.suppressed)
				}
			}
			slow.pass()
		}
	})
	if t.Logf("%d panes compared", compared); compared < 1000 {
		t.Error("too little was compared")
	}
}

// The numbers of the Internet's defaults, in panes of a minute.
func TestCeiling(t *testing.T) {
	for _, c := range []struct {
		in   control.Damping
		want uint32
	}{
		{control.Damping{Penalty: 1000, Suppress: 2000, Reuse: 750, HalfLife: 15, Longest: 60}, 12_000},
		{control.Damping{Penalty: 1000, Suppress: 2000, Reuse: 750, HalfLife: 15, Longest: 7}, 2000}, // lower ones would never suppress
		{control.Damping{Penalty: 1000, Suppress: 2000, Reuse: 750, HalfLife: 1, Longest: 100_000}, 1 << 30},
		{control.Damping{}, math.MaxUint32},
	} {
		if d := newDamping(&c.in); d.ceiling != c.want {
			t.Errorf("%+v: %d, want %d", c.in, d.ceiling, c.want)
		}
	}
}

func TestNothingIsSuppressedForLong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := drawDamping(t)
		d := newDamping(&of)
		penalty := uint32(0)
		for range rapid.IntRange(1, 30).Draw(t, "moves") {
			penalty = d.charge(penalty, rapid.Int64Range(0, 50).Draw(t, "after"), rapid.Bool().Draw(t, "improvement"))
		}
		if d.suppressed(penalty, d.longest) {
			t.Fatalf("%d points suppress after %d panes", penalty, d.longest)
		}
		if n := d.lasts(penalty); d.suppressed(penalty, n) || n > 0 && !d.suppressed(penalty, n-1) {
			t.Fatalf("%d points suppress for %d panes, it says", penalty, n)
		}
	})
}
