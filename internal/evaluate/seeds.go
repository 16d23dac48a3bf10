package evaluate

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"detour/schemas/control"
)

// Build makes the world of a seed.
type Build func(seed uint64) (World, error)

// Seeds evaluates a policy on the worlds of count seeds from first on, as many at a time as there are processors. told,
// which may be nil, hears of what is done, in panes, from several goroutines.
func Seeds(ctx context.Context, build Build, first uint64, count int, policy control.Policy, told func(done, total int64)) ([]*Result, error) {
	out := make([]*Result, count)
	var done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range out {
		group.Go(func() error {
			w, err := build(first + uint64(i))
			if err != nil {
				return err
			}
			total := int64(count) * int64(w.Layout().Panes)
			out[i], err = Judge(ctx, w, policy, func(int) {
				if n := done.Add(1); told != nil {
					told(n, total)
				}
			})
			return err
		})
	}
	return out, group.Wait()
}

// Summary is the figures of one rule over seeds.
type Summary struct {
	Mean, Low, High Figures // of the seeds where a figure applies
}

// Summarise returns the summaries of all rules.
func Summarise(results []*Result) map[string]*Summary {
	return summarise(results, func(r *Result) map[string]Figures { return r.Rules })
}

// levels returns the summaries of the policy's levels of evidence. In a seed without one, it is the level of no user.
func levels(results []*Result) map[string]*Summary {
	return summarise(results, func(r *Result) map[string]Figures { return r.Levels })
}

func summarise(results []*Result, from func(*Result) map[string]Figures) map[string]*Summary {
	out := make(map[string]*Summary)
	for _, r := range results {
		for name := range from(r) {
			out[name] = &Summary{noFigures(), noFigures(), noFigures()}
		}
	}
	for name, s := range out {
		for f := range s.Mean {
			s.take(Figure(f), results, func(r *Result) float64 {
				figures, found := from(r)[name]
				if !found && slices.Contains(ofAllUsers, Figure(f)) {
					return 0
				}
				if !found {
					return math.NaN()
				}
				return figures[f]
			})
		}
	}
	return out
}

// ofAllUsers are the figures of a level that add up to the policy's.
var ofAllUsers = []Figure{LevelUsers, GainCaptured, HarmedShare, HarmedInstant, SlowerOnReused, MovedShare, ChangesPerDay}

func (s *Summary) take(f Figure, results []*Result, of func(*Result) float64) {
	n, sum := 0.0, 0.0
	for _, r := range results {
		v := of(r)
		if math.IsNaN(v) {
			continue
		}
		if n == 0 {
			s.Low[f], s.High[f] = v, v
		}
		n, sum = n+1, sum+v
		s.Low[f], s.High[f] = min(s.Low[f], v), max(s.High[f], v)
	}
	s.Mean[f] = share(sum, n)
}

// reasons returns the mean share of users by the policy's reasons.
func reasons(results []*Result) map[string]float64 {
	out := make(map[string]float64)
	for _, r := range results {
		for name, v := range r.Reasons {
			out[name] += v / float64(len(results))
		}
	}
	return out
}
