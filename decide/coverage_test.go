package decide

import (
	"math"
	"math/rand/v2"
	"testing"

	"detour/schemas/control"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// TestBoundHoldsAsOftenAsItSays draws runs around a known ratio, with noise that pulses of a run share in part and that
// has heavy tails, and counts how often the 95 % bound on the mean is below the truth.
func TestBoundHoldsAsOftenAsItSays(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s students
	s.at(950_000)
	for _, runs := range []int{3, 5, 8, 20, 100} {
		for _, shared := range []float64{0, 0.7, 1} {
			const trials = 4000
			wrong := 0
			for range trials {
				truth := r.Float64() - 0.5 // octaves
				m := ratios{runs: uint64(runs)}
				for range runs {
					own := noise(r)
					for range 2 {
						x := truth + math.Sqrt(shared)*own + math.Sqrt(1-shared)*noise(r)
						bin := int64(window.RatioBin(int16(max(-30_000, min(30_000, math.Round(x*sample.RatioOne))))))
						m.pairs++
						m.sum += bin
						m.squares += uint64(bin * bin)
					}
				}
				if m.upper(&s)/window.RatioBinsPerOctave < truth {
					wrong++
				}
			}
			share := float64(wrong) / trials
			t.Logf("%3d runs, %.1f shared: the bound fails %.3f of the time", runs, shared, share)
			if share > 0.06 {
				t.Errorf("%d runs, %.1f shared: the bound fails %.3f of the time", runs, shared, share)
			}
		}
	}
}

// noise has mean 0: mostly a tenth of an octave, now and then most of one.
func noise(r *rand.Rand) float64 {
	x := r.NormFloat64() * 0.15
	if r.IntN(20) == 0 {
		x *= 6
	}
	return x
}

// TestFewAreMadeSlower puts resolvers with a handful of runs before the rules, in a world where the candidate is slower
// for a third, and prints gain and harm as shares of what an oracle would reach and of all resolvers.
func TestFewAreMadeSlower(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, runs := range []int{4, 7, 20, 100} {
		const resolvers = 1500
		f := newFeed(t, testGenesis(1, 2), control.DefaultPolicy())
		var ws []window.Window
		truth := make([]float64, resolvers)
		for i := range resolvers {
			truth[i] = -0.15 + 0.4*r.NormFloat64()
			for path := range 2 {
				for class := sample.New; class < sample.Classes; class++ {
					s := seen{cell: berlin, path: uint8(path), class: class, runs: runs, pulse: int(class)}
					for range runs * int(class) {
						s.bins = append(s.bins, window.RatioBin(int16((truth[i]+2*noise(r))*sample.RatioOne)))
					}
					ws = append(ws, s.windowOf(address(i)))
				}
			}
		}
		f.pane(t, 0, firstPane, ws, 5000, 0)
		out, err := f.run(New(f.genesis, 0), nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		var got, best float64
		slower := 0
		for i, d := range ticks(t, out)[0].Decisions {
			saved := 1 - math.Exp2(truth[i])
			best += max(0, saved)
			if d.Path == 1 {
				got += saved
				if saved < -0.05 {
					slower++
				}
			}
		}
		harm := float64(slower) / resolvers
		t.Logf("%3d runs: %.0f %% of the oracle's gain, %.2f %% made slower", runs, 100*got/best, 100*harm)
		if harm > 0.005 {
			t.Errorf("%d runs: %.2f %% made slower", runs, 100*harm)
		}
	}
}
