package evaluate

import (
	"context"
	"math"
	"runtime"
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
	out := make(map[string]*Summary)
	for name := range results[0].Rules {
		s := &Summary{noFigures(), noFigures(), noFigures()}
		for f := range s.Mean {
			n, sum := 0.0, 0.0
			for _, r := range results {
				v := r.Rules[name][f]
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
		out[name] = s
	}
	return out
}

// meanOf returns the mean of maps over seeds; what one lacks is 0 there.
func meanOf[T any](results []*Result, from func(*Result) map[string]T, add func(sum *T, v T, part float64)) map[string]T {
	out := make(map[string]T)
	for _, r := range results {
		for name, v := range from(r) {
			sum := out[name]
			add(&sum, v, 1/float64(len(results)))
			out[name] = sum
		}
	}
	return out
}

// levels returns the mean of the policy's split by level.
func levels(results []*Result) map[string]LevelFigures {
	return meanOf(results, func(r *Result) map[string]LevelFigures { return r.Levels }, func(sum *LevelFigures, v LevelFigures, part float64) {
		sum.Users += v.Users * part
		sum.Moved += v.Moved * part
		sum.Gain += v.Gain * part
		sum.Harmed += v.Harmed * part
	})
}

// reasons returns the mean share of users by the policy's reasons.
func reasons(results []*Result) map[string]float64 {
	return meanOf(results, func(r *Result) map[string]float64 { return r.Reasons }, func(sum *float64, v, part float64) {
		*sum += v * part
	})
}
