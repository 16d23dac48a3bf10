package world

import (
	"math"
	"slices"
	"testing"
	"time"
)

// A fault holds in its spans and at no other time.
func TestSpans(t *testing.T) {
	s := Default()
	s.Faults = []Fault{
		{Kind: Outage, Edge: "Houston", From: 10 * time.Minute, To: 20 * time.Minute},
		{Kind: Outage, Edge: "Houston", From: 10 * time.Minute},
		{Kind: Outage, Edge: "Houston", From: 10 * time.Minute, To: 55 * time.Minute, Every: 20 * time.Minute, Lasting: 8 * time.Minute},
	}
	for i, many := range []int{1, 1, 3} {
		spans := s.Spans(i)
		if len(spans) != many {
			t.Errorf("fault %d holds in %v", i, spans)
		}
		for at := range s.Duration.Milliseconds() / 1000 {
			ms := 1000 * at
			within := slices.ContainsFunc(spans, func(p Span) bool {
				return ms+s.Start.UnixMilli() >= p.From && ms+s.Start.UnixMilli() < p.To
			})
			if got := s.Faults[i].holds(ms); got != within {
				t.Fatalf("fault %d at %d ms: %v, in its spans %v", i, ms, got, within)
			}
		}
	}
}

// An outage hits the cells and paths whose requests fail more while it holds.
func TestAffectedBy(t *testing.T) {
	calm := shippedWorld(t, "steady")
	for _, name := range []string{"edge-outage", "region-outage", "last-mile-outage", "route-change", "diurnal"} {
		w := shippedWorld(t, name)
		for i := range w.scenario.Faults {
			checkAffected(t, calm, w, name, i)
		}
	}
}

func checkAffected(t *testing.T, calm, w *World, name string, fault int) {
	t.Helper()
	s := w.Scenario()
	s.Faults = s.Faults[fault : fault+1]
	alone, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	hits := map[int][PathCount]bool{}
	for _, h := range w.AffectedBy(fault) {
		hits[h.Cell] = h.Paths
	}
	span := s.Spans(0)[0]
	at := span.From
	if f := s.Faults[0]; f.Width > 0 {
		at = s.Start.Truncate(24*time.Hour).UnixMilli() + f.Peak.Milliseconds()
	}
	before, now := calm.TruthsAt(at), alone.TruthsAt(at)
	var weight [PathCount]float64
	for i, c := range w.Cells() {
		for path := range PathCount {
			differs := before[c.Population][path] != now[c.Population][path]
			if hits[i][path] != differs {
				t.Fatalf("%s, fault %d: cell %d on path %d is hit: %v, its truth differs: %v", name, fault, i, path, hits[i][path], differs)
			}
			if differs {
				weight[path] += c.Weight
			}
		}
	}
	t.Logf("%s, fault %d hits %.1f %% of the users directly, %.1f %% by proxy", name, fault, 100*weight[Direct], 100*weight[Proxy])
	if math.Max(weight[Direct], weight[Proxy]) < 0.04 {
		t.Errorf("%s, fault %d hits %v of the users", name, fault, weight)
	}
}
