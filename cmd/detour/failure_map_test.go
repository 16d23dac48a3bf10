package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/internal/status"
	"detour/internal/world"
)

// TestStaleMap has a pipeline that stopped hours ago: the last map is past its expiry. DNS says so once and answers from it,
// over a restart too, for an old map beats none. The first sign of life brings a new one.
func TestStaleMap(t *testing.T) {
	if testing.Short() {
		t.Skip("six processes")
	}
	t.Parallel()
	const length, ago = 20 * time.Minute, 4 * time.Hour
	w := littleWorld(t, length, func(s *world.Scenario) { s.Start = time.Now().Add(-ago).Truncate(time.Minute) })
	s := newSite(t, embeddedKafka(t), "", newField(t, w), nil)
	policy, _ := forgetful()
	s.begins(t, policy)
	s.stages(t)
	publish := s.members["publish"]
	s.feed(t, length, all)
	old := s.published(t, publish.fleet(), length)
	resolver := somebody(t, entries(t, old.last))
	dns := s.dns(t, "dns", publish)
	const complaint = "the map is past its expiry, no newer one came"
	eventually(t, "DNS says that its map is stale", func() bool { return strings.Contains(dns.said(), complaint) })
	dns.answers(t, http.StatusOK, "is past its expiry (degraded)")
	if expired := dns.metric(t, "detour_agent_map_expiry_timestamp_seconds"); expired != float64(old.last.Manifest.Expires)/1000 {
		t.Errorf("the expiry is told as %v, it is %v", expired, old.last.Manifest.Expires)
	}
	s.finds(t, time.Now(), status.MapStale)
	if path := dns.path(t, resolver); path != "proxy" {
		t.Errorf("a stale map says %s", path)
	}
	publish.stop(t)
	dns.stop(t)
	s.run(t, "dns")
	eventually(t, "the stale map after a restart", func() bool { return dns.serial() == old.last.Manifest.Version })
	if path := dns.path(t, resolver); path != "proxy" {
		t.Errorf("a stale map says %s after a restart", path)
	}

	s.run(t, "publish")
	for source := range w.Scenario().Partitions {
		s.tell(t, source, time.Now().UnixMilli())
	}
	eventually(t, "a fresh, empty map in DNS", func() bool {
		m := manifest(publish.fleet())
		return m != nil && m.Expires > time.Now().UnixMilli() && m.Entries == 0 && dns.serial() == m.Version
	})
	if path := dns.path(t, resolver); path != "direct" {
		t.Errorf("a fresh map without evidence says %s", path)
	}
	eventually(t, "status finds nothing wrong with the map", func() bool {
		return !slices.Contains(s.findings(t, time.Now()), status.MapStale)
	})
	s.allRun(t)
}

// TestEverybodyOnTheDefaultPath does what an operator can when the map does harm: with a policy that no evidence satisfies
// the next tick empties it, and with the policy from before it fills again once the hold on the moves is over.
func TestEverybodyOnTheDefaultPath(t *testing.T) {
	if testing.Short() {
		t.Skip("five processes")
	}
	t.Parallel()
	const probed, without, again = 20 * time.Minute, 21 * time.Minute, 32 * time.Minute
	s := newSite(t, embeddedKafka(t), "", newField(t, littleWorld(t, again, nil)), nil)
	s.stages(t)
	publish := s.members["publish"]
	dns := s.dns(t, "dns", publish)
	s.feed(t, probed, all)
	before := s.published(t, publish.fleet(), probed)
	resolver := somebody(t, entries(t, before.last))
	usual := s.detour(t, "policy", "show")
	nobody := regexp.MustCompile(`min_runs: .*`).ReplaceAllString(usual, "min_runs: 1000000")

	for _, c := range []struct {
		policy string
		until  time.Duration
		path   string
	}{{nobody, without, "direct"}, {usual, again, "proxy"}} {
		s.detour(t, "policy", "apply", file(t, "policy.yaml", c.policy))
		s.feed(t, c.until, all)
		arrives(t, dns.name, c.path, func() string { return dns.path(t, resolver) })
	}
	s.allRun(t)
}
