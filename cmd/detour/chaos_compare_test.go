package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"detour/schemas"
)

// arrives waits for progress to be want, for as long as there is any.
func arrives(t *testing.T, what, want string, progress func() string) {
	t.Helper()
	last, since := "", time.Now()
	for {
		now := progress()
		if now == want {
			return
		}
		if now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) > patience {
			t.Fatalf("in vain: %s has been at %q for %s, it should come to %q", what, now, patience, want)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// compare waits until the disturbed log has come as far as the undisturbed one, and is served; then every line of the two
// has to be equal.
func (c *chaos) compare(t *testing.T, want *calm) {
	t.Helper()
	if len(want.tables["map_now"]) == 0 {
		t.Fatal("nobody was moved: the test would compare empty maps")
	}
	arrives(t, "decide", clockOf(want.keptTicks[len(want.keptTicks)-1].Pane), func() string {
		pane, err := lastTick(t.Context(), c.pipeline.log)
		if err != nil {
			return err.Error()
		}
		return clockOf(pane)
	})
	got, err := takeAccount(t.Context(), c.pipeline)
	if err != nil {
		t.Fatal(err)
	}
	got.versions, got.rejects = want.versions, want.rejects // which may still be on their way
	if all := got.differences(want.account); len(all) > 0 {
		t.Fatal("the log differs from that of an undisturbed run: " + strings.Join(all, "\n"))
	}
	final := want.last.Manifest
	for _, url := range c.fleets {
		arrives(t, "the map at "+url, fmt.Sprintf("version %d, %s", final.Version, final.Digest), func() string {
			m := manifest(url)
			if m == nil {
				return "none"
			}
			return fmt.Sprintf("version %d, %s", m.Version, m.Digest)
		})
	}
	c.dns.settle(t, want.last)
	c.say(t, "the last map is served")
	if got, err = takeAccount(t.Context(), c.pipeline); err != nil {
		t.Fatal(err)
	}
	for _, d := range got.differences(want.account) {
		t.Error("the log differs from that of an undisturbed run: " + d)
	}
	c.dns.judge(t, got.keptVersions)
	if got.counted != want.counts.samples {
		t.Errorf("%d samples were counted, of the %d that the reports hold: the difference was lost, or counted twice", got.counted, want.counts.samples)
	}
	var written audit
	if err := (&demo{pipeline: c.pipeline}).eachRecord(t.Context(), schemas.Samples, countSamples(&written)); err != nil {
		t.Fatal(err)
	}
	c.say(t, "the log has %d panes (%d written again), %d ticks (%d written again), %d versions, %d samples (%d written again)",
		len(got.panes), got.seals-len(got.panes), len(got.ticks), got.moves-len(got.ticks), len(got.versions), got.counted, written.samples-got.counted)
}

// report says what was done to whom.
func (c *chaos) report(t *testing.T, want *calm, sent reports) {
	t.Helper()
	for _, kind := range slices.Sorted(maps.Keys(c.injected)) {
		t.Logf("%4d × %s", c.injected[kind], kind)
	}
	joined := make(map[string]int)
	for name, r := range c.replicas {
		r.end() // adds up what the last process said
		stage, _, _ := strings.Cut(name, "-")
		joined[stage] += r.joined
	}
	for _, stage := range kinds[:4] {
		t.Logf("%4d × %s joined a group's generation", joined[stage], stage)
	}
	perSecond := c.settings.length.Seconds()
	t.Logf("the load was %.0f reports a second, %.0f samples, a pane of each partition",
		float64(sent.number())/perSecond, float64(want.counts.samples)/perSecond)
	t.Logf("%d reports were sent (%d are in the log, with what the feed repeated when the broker died), %d samples, %d rejects, %d panes, %d ticks, %d versions",
		sent.number(), want.reports.number(), want.counts.samples, len(want.rejects), len(want.panes), len(want.ticks), len(want.versions))
}
