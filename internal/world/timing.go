package world

import (
	"fmt"
	"math"
)

// maxRuns is how many reports a scenario may have.
const maxRuns = 1e9

// settleRuns derives the number of runs from MedianRuns, if that is what the scenario gives: runs follow the users, so
// the median resolver's share of the users is its share of the runs.
func (w *World) settleRuns() error {
	s := &w.scenario
	if s.MedianRuns == 0 {
		return nil
	}
	var weights []weighted
	for _, r := range w.resolvers {
		weights = append(weights, weighted{r.Weight, r.Weight})
	}
	runs := math.Round(float64(s.MedianRuns) / median(weights))
	if runs > maxRuns {
		return fmt.Errorf("median_runs: %d take %.0f runs, at most %.0f are possible", s.MedianRuns, runs, maxRuns)
	}
	s.Runs, s.MedianRuns = int(runs), 0
	return nil
}

// ScoreTimes returns when an evaluator scores what was decided from the runs before, in ms since the Unix epoch: from
// ScoreFrom on every ScoreEvery, the scenario's end included; once, at ScoreFrom, if ScoreEvery is 0. A ScoreFrom of 0 is the
// end.
func (s *Scenario) ScoreTimes() []int64 {
	first := s.ScoreFrom
	if first == 0 {
		first = s.Duration
	}
	at := []int64{s.Start.Add(first).UnixMilli()}
	if s.ScoreEvery == 0 {
		return at
	}
	for next := first + s.ScoreEvery; next <= s.Duration; next += s.ScoreEvery {
		at = append(at, s.Start.Add(next).UnixMilli())
	}
	return at
}
