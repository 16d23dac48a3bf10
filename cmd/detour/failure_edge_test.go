package main

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"detour/internal/status"
	"detour/internal/world"
	"detour/schemas/control"
)

// The edge that fails, and when. Five resolvers are better off with it, and have users enough to tell soon.
const (
	badEdge            = "Houston"
	edgeFails, edgeUp  = 20 * time.Minute, 35 * time.Minute
	edgeWatch, edgeEnd = 30 * time.Minute, 60 * time.Minute
)

func edgeWorld(t *testing.T, faults ...world.Fault) *world.World {
	t.Helper()
	return littleWorld(t, edgeEnd, func(s *world.Scenario) {
		s.Seed, s.Resolvers, s.Public, s.Noise, s.Faults = 9, 60, 0.1, 0.2, faults
	})
}

// TestOneBadEdge has every request through one edge fail for a while. The resolvers whose users go through it, and who were
// measured enough, are on the default path within the policy's reachability window, and come back when the edge does. No
// decision on anybody else differs from those in a world without the outage.
func TestOneBadEdge(t *testing.T) {
	if testing.Short() {
		t.Skip("five processes")
	}
	t.Parallel()
	w := edgeWorld(t, world.Fault{Kind: world.Outage, Edge: badEdge, From: edgeFails, To: edgeUp})
	s := newSite(t, embeddedKafka(t), "", newField(t, w), nil)
	s.stages(t)
	publish := s.members["publish"]
	dns := s.dns(t, "dns", publish)
	s.feed(t, edgeFails, all)
	before := s.published(t, publish.fleet(), edgeFails)
	affected := s.onEdge(badEdge, entries(t, before.last))
	if len(affected) < 3 {
		t.Fatalf("only %d resolvers are sent through %s: the test says little", len(affected), badEdge)
	}
	for _, r := range affected {
		eventually(t, "the edge in DNS", func() bool { return dns.path(t, r) == "proxy" })
	}

	s.feed(t, edgeWatch, all)
	during := s.published(t, publish.fleet(), edgeWatch)
	eventually(t, "that map in DNS", func() bool { return dns.serial() == during.last.Manifest.Version })
	stories := during.stories()
	for _, r := range affected {
		if path := dns.path(t, r); path != "direct" {
			t.Errorf("in the outage %s gets %s", r, path)
		}
		s.leftInTime(t, r, stories[r])
	}
	s.finds(t, time.UnixMilli(s.at(edgeWatch)), status.BadEdge)
	if left := s.members["decide"].metric(t, "detour_decisions_total", `reason="candidate_down"`); left < float64(len(affected)) {
		t.Errorf("%v decisions tell of the outage, %d resolvers left the edge", left, len(affected))
	}
	if out := s.detour(t, "explain", affected[0].String()); !strings.Contains(out, "is down") {
		t.Errorf("explain says %s", out)
	}

	s.feed(t, edgeEnd, all)
	after := s.published(t, publish.fleet(), edgeEnd)
	calm := s.instead(t, control.DefaultPolicy(), edgeWorld(t), edgeEnd, all)
	now, usual := entries(t, after.last), entries(t, calm.last)
	for _, r := range affected {
		if now[r] != usual[r] {
			t.Errorf("after the outage %s is on %q, without one on %q", r, now[r], usual[r])
		}
	}
	// Neighbours speak for one another, so that the outage may be heard of elsewhere, but it may hardly matter there.
	elsewhere, apart := 0, 0
	for r := range w.Resolvers() {
		if a := s.alias(r); !s.uses(r, badEdge) {
			elsewhere++
			if now[a] != usual[a] {
				apart++
			}
		}
	}
	if 10*apart > elsewhere {
		t.Errorf("%d of %d resolvers that have nothing to do with the outage are on another path", apart, elsewhere)
	}
	s.allRun(t)
}

// onEdge lists those among the moved resolvers whose users all go through that edge.
func (f *field) onEdge(edge string, moved map[netip.Addr]string) (on []netip.Addr) {
	for r := range f.world.Resolvers() {
		users := f.world.Resolvers()[r].Populations
		if a := f.alias(r); moved[a] != "" && len(users) == 1 && f.uses(r, edge) {
			on = append(on, a)
		}
	}
	return on
}

// uses tells whether some of a resolver's users go through that edge.
func (f *field) uses(resolver int, edge string) bool {
	for _, share := range f.world.Resolvers()[resolver].Populations {
		if f.world.Populations()[share.Population].Edge == edge {
			return true
		}
	}
	return false
}

// leftInTime wants a resolver to have left the edge for its failures, in one of the panes that the policy's reachability
// window holds from the outage's first on.
func (s *site) leftInTime(t *testing.T, r netip.Addr, story []string) {
	t.Helper()
	for pane := range control.DefaultPolicy().Reachability.Window {
		line := clockOf(s.at(edgeFails)+int64(pane)*s.cfg.Genesis.Pane) + ": path 0, candidate_down"
		for _, told := range story {
			if told == line {
				return
			}
		}
	}
	t.Errorf("%s did not leave the edge in time: %q", r, story)
}
