package scenario

import (
	"math"
	"slices"
	"testing"
	"time"

	"detour/internal/evaluate"
	"detour/internal/world"
)

// stormy is a small scenario with an outage of each kind, lies and malformed reports.
func stormy() world.Scenario {
	s := world.Default()
	s.Resolvers, s.Runs, s.Duration, s.Bad = 300, 4000, 20*time.Minute, 0.1
	s.ScoreFrom, s.ScoreEvery = 10*time.Minute, 5*time.Minute
	s.Faults = []world.Fault{
		{Kind: world.Outage, Edge: "Houston", From: 3 * time.Minute, To: 8*time.Minute + 30*time.Second},
		{Kind: world.Outage, Country: "RU", From: 4 * time.Minute, To: 6 * time.Minute, Share: 0.8},
		{Kind: world.Outage, Region: "Seattle", From: 12 * time.Minute, Every: 4 * time.Minute, Lasting: time.Minute},
		{Kind: world.Outage, Edge: "Istanbul", From: 4 * time.Minute, To: 6 * time.Minute, Share: 0.3},
		{Kind: world.Poison, Path: "proxy", Share: 0.5, Factor: 0.2, Resolvers: 10},
	}
	return s
}

func build2(t *testing.T) (*World, *world.World) {
	t.Helper()
	s := stormy()
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	built, err := world.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return w, built
}

// TestRunsAreThoseOfTheWorld: all of its runs but the malformed ones, each in its pane, of its resolver and population.
func TestRunsAreThoseOfTheWorld(t *testing.T) {
	w, built := build2(t)
	next := 0
	for pane := range w.layout.Panes {
		for r := range w.Runs(pane) {
			d := built.Draw(next)
			for ; d.Flaw != ""; d = built.Draw(next) {
				next++
			}
			next++
			share := w.layout.Resolvers[r.Resolver].Shares[r.Share]
			if d.Resolver != r.Resolver || d.Population != share.Population || int((d.Time-w.layout.Start)/paneMs) != pane {
				t.Fatalf("run %d is %+v, in pane %d", next-1, r, pane)
			}
		}
	}
	for ; next < built.Scenario().Runs; next++ {
		if built.Draw(next).Flaw == "" {
			t.Fatalf("run %d is missing", next)
		}
	}
	total := 0.0
	for i, r := range w.layout.Resolvers {
		if r.Address != built.Resolvers()[i].Addr {
			t.Fatalf("resolver %d is %s", i, r.Address)
		}
		for _, s := range r.Shares {
			total += s.Weight
		}
	}
	if math.Abs(total-1) > 1e-9 {
		t.Errorf("the weights add up to %v", total)
	}
}

// TestOutagesAreWhereTheTruthFails: a path is in an outage in exactly the panes in the middle of which most of its requests
// fail.
func TestOutagesAreWhereTheTruthFails(t *testing.T) {
	w, built := build2(t)
	dead := func(population, path, pane int) (in bool) {
		for _, o := range w.layout.Outages {
			_, hit := slices.BinarySearch(o.Populations, population)
			in = in || hit && (o.Path == path || o.Path == evaluate.LastMile) && pane >= o.From && pane < o.To
		}
		return in
	}
	seen := map[int]int{}
	for _, o := range w.layout.Outages {
		seen[o.Path]++
	}
	if seen[0] == 0 || seen[1] == 0 || seen[evaluate.LastMile] == 0 {
		t.Fatalf("outages by path: %v", seen)
	}
	for pane := range w.layout.Panes {
		truth := built.TruthsAt(w.layout.Start + int64(pane)*paneMs + paneMs/4)
		for population := range truth {
			for path := range truth[population] {
				if want := truth[population][path].Failures > 0.5; dead(population, path, pane) != want {
					t.Fatalf("pane %d, population %d, path %d: out is %t, fails %v", pane, population, path, !want, truth[population][path].Failures)
				}
			}
		}
	}
}

// TestScoresAndTruth: what counts is the state at the times that the scenario names, by the truth of those times.
func TestScoresAndTruth(t *testing.T) {
	w, built := build2(t)
	var scored []int
	for pane := range w.layout.Panes + 1 {
		if w.layout.Scored(pane) {
			scored = append(scored, pane)
		}
	}
	if !slices.Equal(scored, []int{10, 15, 20}) {
		t.Errorf("scored: %v", scored)
	}
	for _, pane := range []int{0, 5, 20, 5} {
		at := built.TruthsAt(w.layout.Start + int64(pane)*paneMs)[3][1]
		if got := w.Truth(3, 1, pane); got != (evaluate.Truth{New: at.New, Reused: at.Reused, Fails: at.Failures}) {
			t.Errorf("pane %d: %+v, want %+v", pane, got, at)
		}
	}
	if n := len(w.layout.Attacked); n < 10 || n > 60 || w.layout.Honest == nil || w.layout.Honest.Layout().Honest != nil {
		t.Errorf("%d of 300 resolvers are attacked", n)
	}
}

// TestAPaneIsAMinute: a scenario that begins or ends within one is refused.
func TestAPaneIsAMinute(t *testing.T) {
	s := stormy()
	s.Duration += time.Second
	if _, err := New(s); err == nil {
		t.Error("no error")
	}
}
