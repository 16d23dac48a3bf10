package decide

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/control"
	"detour/schemas/decision"
)

// follower knows what readers of the decisions topic know.
type follower struct {
	state map[netip.Prefix]decision.Decision
}

// take takes a tick and returns what is wrong with its rows, "" if nothing is.
func (f *follower) take(w *decision.Whole, p *control.Policy) string {
	said := make(map[netip.Prefix]bool)
	for i := range w.Decisions {
		d := &w.Decisions[i]
		if wrong := f.row(d, p); wrong != "" {
			return wrong
		}
		said[d.Subject()] = d.Changed == 1
		if f.state[d.Subject()] = *d; d.Gone == 1 {
			delete(f.state, d.Subject())
		}
	}
	for i := range w.Decisions {
		if d := &w.Decisions[i]; d.Bits > 0 && d.Path != d.Previous {
			for s := range f.state {
				if s.IsSingleIP() && d.Subject().Contains(s.Addr()) && !said[s] {
					return s.String() + " has no row, though its prefix moved: " + d.Subject().String()
				}
			}
		}
	}
	for s, d := range f.state {
		cover, listed := f.state[netip.PrefixFrom(d.Resolver, 24).Masked()]
		if kept := d.Bits == 0 && listed && d.Path == 0; kept != (d.Exception == 1) {
			return s.String() + " is an exception, or is none, wrongly below " + cover.Subject().String()
		}
	}
	return ""
}

// row looks at one row by itself and at what was said before.
func (f *follower) row(d *decision.Decision, p *control.Policy) string {
	before := f.state[d.Subject()]
	latency := d.Path != d.Previous && d.Path != 0 && d.Reason == decision.Faster
	switch {
	case d.Changed == 1 && d.Previous != before.Path:
		return d.Subject().String() + " was not where its row says"
	case d.Changed == 0 && (d.Path != before.Path || d.Reason != before.Reason || d.Since != before.Since):
		return d.Subject().String() + " changed and its row says it did not"
	case d.Gone == 1 && d.Path != 0:
		return d.Subject().String() + " left from a candidate path"
	case d.Bits > 0 && d.Gone == 0 && d.Path == 0:
		return d.Subject().String() + " is listed on the default path"
	case d.Bits > 0 && d.Bits != 24:
		return d.Subject().String() + " is no group"
	case latency && (d.Gain <= 0 || d.Harm >= d.HarmLimit):
		return d.Subject().String() + " moved though it gains nothing, or is harmed"
	case latency && d.Bits == 0 && (d.OwnRuns == 0 || int(d.OwnRuns)+int(d.GroupRuns) < p.Latency.MinRuns*whole):
		return d.Subject().String() + " moved without runs enough"
	}
	return ""
}

// TestRowsKeepTheirContract follows random scenes by their rows alone: a tick that moves a prefix tells of all its
// resolvers, exceptions are where a listed prefix covers a resolver on the default path, and nobody leaves that for
// latency unmeasured.
func TestRowsKeepTheirContract(t *testing.T) {
	var moved, exceptions int
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t, rapid.Bool().Draw(t, "lossy"))
		out, err := s.run(s.machine(), rand.New(rand.NewPCG(1, 2)), 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		f := follower{make(map[netip.Prefix]decision.Decision)}
		for i, w := range ticks(t, out) {
			if wrong := f.take(w, &s.policies[i]); wrong != "" {
				t.Fatalf("tick %d: %s", i+1, wrong)
			}
			for _, d := range w.Decisions {
				exceptions += int(d.Exception)
				if d.Bits > 0 && d.Path != d.Previous {
					moved++
				}
			}
		}
	})
	if moved == 0 || exceptions == 0 {
		t.Errorf("%d prefixes moved, %d exceptions", moved, exceptions)
	}
}
