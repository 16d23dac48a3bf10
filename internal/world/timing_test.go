package world

import (
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
