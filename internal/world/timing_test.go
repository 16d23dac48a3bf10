package world

import (
	"math"
	"slices"
	"testing"
	"time"
)

// The number of runs is such that half of the users are behind resolvers that make at least so many.
func TestMedianRuns(t *testing.T) {
	w := build(t, func(s *Scenario) { s.Runs, s.MedianRuns, s.Resolvers = 0, 7, 20_000 })
	var above, most float64
	for _, r := range w.resolvers {
		if r.Weight*float64(w.Scenario().Runs) >= 7*0.999 {
			above += r.Weight
			most = max(most, r.Weight)
		}
	}
	if above < 0.5 || above > 0.55 {
		t.Errorf("%v of the users are behind resolvers with 7 runs or more", above)
	}
	s := Default()
	s.Runs, s.MedianRuns = 0, 1e8
	if _, err := New(s); err == nil {
		t.Error("any number of runs is possible")
	}
}

func TestScoreTimes(t *testing.T) {
	start := Default().Start.UnixMilli()
	for _, c := range []struct {
		from, every time.Duration
		want        []int64 // minutes
	}{
		{0, 0, []int64{90}},
		{time.Hour, 0, []int64{60}},
		{time.Hour, 10 * time.Minute, []int64{60, 70, 80, 90}},
		{time.Hour, 20 * time.Minute, []int64{60, 80}},
		{0, 20 * time.Minute, []int64{90}},
	} {
		s := Default()
		s.ScoreFrom, s.ScoreEvery = c.from, c.every
		var got []int64
		for _, at := range s.ScoreTimes() {
			got = append(got, (at-start)/60_000)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("from %v every %v: scored at %v, want %v", c.from, c.every, got, c.want)
		}
	}
}

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
