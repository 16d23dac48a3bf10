package main

import (
	"strings"
	"testing"
	"time"

	"detour/internal/status"
	"detour/internal/world"
	"detour/schemas"
	"detour/schemas/control"
)

// TestNoProbes has no report come any more while heartbeats go on. The evidence grows old: whoever has none left in the
// policy's window is sent over the default path, and the map, empty by then, is renewed all the same.
func TestNoProbes(t *testing.T) {
	if testing.Short() {
		t.Skip("five processes")
	}
	t.Parallel()
	const probed = 20 * time.Minute
	policy, gone := forgetful()
	length := probed + gone
	s := newSite(t, embeddedKafka(t), "", newField(t, littleWorld(t, probed, nil)), nil)
	s.begins(t, policy)
	s.stages(t)
	publish := s.members["publish"]
	dns := s.dns(t, "dns", publish)
	s.feed(t, probed, all)
	before := s.published(t, publish.fleet(), probed)
	resolver := somebody(t, entries(t, before.last))
	eventually(t, "the map in DNS", func() bool { return dns.path(t, resolver) == "proxy" })

	samples := s.members["ingest"].metric(t, "detour_samples_total")
	s.feed(t, length, all) // there is nobody any more
	after := s.published(t, publish.fleet(), length)
	if n := len(entries(t, after.last)); n > 0 {
		t.Errorf("%d resolvers are moved without evidence", n)
	}
	s.finds(t, time.UnixMilli(s.at(length)), status.NoProbes)
	if now := s.members["ingest"].metric(t, "detour_samples_total"); now != samples || samples == 0 {
		t.Errorf("detour_samples_total went from %v to %v", samples, now)
	}
	eventually(t, "everybody on the default path", func() bool { return dns.path(t, resolver) == "direct" })
	if out := s.detour(t, "explain", resolver.String()); !strings.Contains(out, "there is no evidence about it") {
		t.Errorf("explain says %s", out)
	}
	s.allRun(t)
}

// forgetful returns a policy under which evidence is forgotten after an hour, and after how long all of it has gone: with
// the last pane of its epoch, and at the beginning of another.
func forgetful() (policy control.Policy, gone time.Duration) {
	policy = control.DefaultPolicy()
	policy.Window = 60
	return policy, (60 + 15) * time.Minute
}

// begins makes the log begin with a policy.
func (s *site) begins(t *testing.T, policy control.Policy) {
	t.Helper()
	if err := s.prepare(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
}

// TestHalfTheProbes has half of the resolvers' users go silent. The others are decided as if nothing had happened; the silent
// ones are on the default path once their evidence has left the policy's window.
func TestHalfTheProbes(t *testing.T) {
	if testing.Short() {
		t.Skip("five processes")
	}
	t.Parallel()
	const half = 20 * time.Minute
	policy, gone := forgetful()
	whole := half + gone
	w := littleWorld(t, whole, func(s *world.Scenario) { s.Runs /= 2 })
	f := newField(t, w)
	s := newSite(t, embeddedKafka(t), "", f, nil)
	s.begins(t, policy)
	s.stages(t)
	publish := s.members["publish"]
	s.feed(t, half, all)
	before := entries(t, s.published(t, publish.fleet(), half).last)
	heard := make(map[string]bool)
	speaks := func(_ *world.Run, number int) bool { return number%5 < 2 } // who sends somewhat less than half of the reports
	for r := range w.Resolvers() {
		heard[f.alias(r).String()] = speaks(nil, r)
	}
	const soon = half + 5*time.Minute
	s.feed(t, soon, speaks)
	s.published(t, publish.fleet(), soon)
	s.finds(t, time.UnixMilli(s.at(soon)), status.HalfTheProbes)
	s.feed(t, whole, speaks)
	after := s.published(t, publish.fleet(), whole)
	undisturbed := s.instead(t, policy, w, whole, all)

	// What neighbours no longer say is missing to those who are heard, so a few of them may be decided otherwise.
	now, usual := entries(t, after.last), entries(t, undisturbed.last)
	silent, spoke, apart := 0, 0, 0
	for r := range undisturbed.stories() {
		if !heard[r.String()] {
			silent++
			continue
		}
		spoke++
		if now[r] != usual[r] {
			apart++
		}
	}
	if 10*apart > spoke {
		t.Errorf("%d of %d resolvers that are heard are on another path than with all probes", apart, spoke)
	}
	if silent < 50 || len(before) < 10 {
		t.Errorf("%d resolvers went silent, %d were moved: the test says little", silent, len(before))
	}
	for r := range entries(t, after.last) {
		if !heard[r.String()] {
			t.Errorf("%s is moved, and silent for a window", r)
		}
	}
	s.allRun(t)
}

// TestHalfTheSourcesAreDead has two of four partitions of the reports topic without a leader: nothing is heard of them, not
// even the time. Panes wait for them, and nothing is decided on half of what there is, until an operator releases them. What
// they held counts once they are back.
func TestHalfTheSourcesAreDead(t *testing.T) {
	if testing.Short() {
		t.Skip("five processes")
	}
	t.Parallel()
	const half, whole = 12 * time.Minute, 24 * time.Minute
	w := littleWorld(t, whole, nil)
	s := newSite(t, embeddedKafka(t), "", newField(t, w), nil)
	s.stages(t)
	publish := s.members["publish"]
	dns := s.dns(t, "dns", publish)
	s.feed(t, half, all)
	before := s.published(t, publish.fleet(), half)
	resolver := somebody(t, entries(t, before.last))
	eventually(t, "the map in DNS", func() bool { return dns.serial() == before.last.Manifest.Version })

	alive := func(r *world.Run, _ int) bool { return r.Partition < 2 }
	s.reports(t, whole, alive)
	for source := range 2 {
		s.tell(t, source, s.at(whole)+s.cfg.Genesis.Lateness)
	}
	eventually(t, "panes wait for one of the dead", func() bool {
		return strings.Count(s.detour(t, "mark"), "12m0s behind the first") == s.cfg.Genesis.Samples
	})
	if pane, err := lastTick(t.Context(), s.log); err != nil || pane != before.last.Manifest.Pane {
		t.Errorf("decided up to %s, %v", clockOf(pane), err)
	}
	if path := dns.path(t, resolver); path != "proxy" || dns.serial() != before.last.Manifest.Version {
		t.Errorf("while panes wait, DNS says %s", path)
	}
	s.finds(t, time.UnixMilli(s.at(whole)), status.WatermarkStalled)
	aggregate := s.members["aggregate"]
	if marks := aggregate.metric(t, "detour_watermark_timestamp_seconds", `partition="0"`); marks != float64(s.at(half)+s.cfg.Genesis.Lateness)/1000 {
		t.Errorf("the watermark is told as %v", marks)
	}

	until := time.UnixMilli(s.at(whole) + s.cfg.Genesis.Lateness).UTC().Format(time.RFC3339)
	for _, source := range []string{"2", "3"} {
		s.detour(t, "mark", "--source", source, "--to", until)
	}
	s.decided(t, whole)
	back := &site{pipeline: s.pipeline, field: newField(t, w)}
	back.reports(t, whole, func(r *world.Run, n int) bool { return !alive(r, n) && r.Time >= s.at(half) })
	for source := range w.Scenario().Partitions {
		s.tell(t, source, s.at(whole+time.Minute)+s.cfg.Genesis.Lateness)
	}
	s.decided(t, whole+time.Minute)
	got, err := takeAccount(t.Context(), s.pipeline)
	if err != nil {
		t.Fatal(err)
	}
	var ingested audit
	if err := (&demo{pipeline: s.pipeline}).eachRecord(t.Context(), schemas.Samples, countSamples(&ingested)); err != nil {
		t.Fatal(err)
	}
	if got.counted != ingested.samples {
		t.Errorf("%d samples were counted, of the %d that were reported", got.counted, ingested.samples)
	}
	s.allRun(t)
}
