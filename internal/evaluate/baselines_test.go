package evaluate

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/ingest"
	"detour/schemas/sample"
)

// TestBaselinesAreWhatTheirDefinitionsSay compares, pane by pane, what they choose from sums and sorted lists with a slow
// computation from the runs of the evidence period.
func TestBaselinesAreWhatTheirDefinitionsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const window = 3
		paths := rapid.IntRange(2, 3).Draw(t, "paths")
		f := newFake(6, 2, paths)
		e := newEvidence(&f.layout, window)
		now := map[string][]uint8{}
		for _, b := range baselines() {
			now[b.name] = make([]uint8, 2)
		}
		for pane := range f.layout.Panes {
			f.runs[pane] = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Run { return drawRun(t, paths) }), 0, 25).Draw(t, "runs")
			e.begin(pane)
			for i := range f.runs[pane] {
				e.add(&f.runs[pane][i])
			}
			for _, resolver := range e.end() {
				for _, b := range baselines() {
					now[b.name][resolver] = b.choose(&e.resolvers[resolver])
				}
			}
			for resolver := range 2 {
				var runs []Run
				for _, p := range f.runs[max(0, pane-window+1) : pane+1] {
					for _, r := range p {
						if r.Resolver == resolver {
							runs = append(runs, r)
						}
					}
				}
				for name, want := range slowly(runs, paths) {
					if got := now[name][resolver]; got != want {
						t.Fatalf("pane %d, resolver %d: %s chooses %d, want %d", pane, resolver, name, got, want)
					}
				}
			}
		}
	})
}

// drawRun returns a run whose paths differ enough for all rules to have something to say.
func drawRun(t *rapid.T, paths int) Run {
	r := Run{Resolver: rapid.IntRange(0, 1).Draw(t, "resolver")}
	for path := range paths {
		pulses := make([]Pulse, 3)
		for i := range pulses {
			pulses[i] = Pulse{Class: sample.Reused, Micros: uint32(rapid.IntRange(80_000, 120_000-20_000*path).Draw(t, "us"))}
			if i == 0 {
				pulses[i] = Pulse{Class: sample.New, Micros: uint32(rapid.IntRange(200_000, 300_000).Draw(t, "us"))}
			}
			if rapid.IntRange(0, 19).Draw(t, "luck") == 0 {
				pulses[i] = Pulse{Outcome: sample.Unreachable}
			}
		}
		r.Pulses = append(r.Pulses, pulses)
	}
	return r
}

// slowly chooses by the definitions.
func slowly(runs []Run, paths int) map[string]uint8 {
	values := func(path int, class sample.Class) (v []float64) {
		for _, r := range runs {
			for _, p := range r.Pulses[path] {
				if p.Outcome == sample.OK && p.Class == class {
					v = append(v, float64(p.Micros))
				}
			}
		}
		slices.Sort(v)
		return v
	}
	median := func(v []float64) float64 {
		slices.Sort(v)
		if len(v) == 0 {
			return math.NaN()
		}
		return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
	}
	medians := func(path, atLeast int) float64 {
		a, b := values(path, sample.New), values(path, sample.Reused)
		if len(a) < atLeast || len(b) < atLeast {
			return math.NaN()
		}
		return mix[fresh]*median(a) + mix[reused]*median(b)
	}
	choose := func(cost func(path int) float64) uint8 {
		best := 0
		for path := 1; path < paths; path++ {
			if cost(path) < cost(best) {
				best = path
			}
		}
		return uint8(best)
	}
	bound := func(path int) float64 {
		m := medians(path, manyRuns)
		if path == 0 || math.IsNaN(m) {
			return m
		}
		variance := 0.0
		for _, p := range []int{0, path} {
			for class, weight := range mix {
				v := values(p, sample.New+sample.Class(class))
				low := int((float64(len(v)) - 2*math.Sqrt(float64(len(v)))) / 2)
				e := weight * (v[len(v)-1-low] - v[low]) / 4
				variance += e * e
			}
		}
		if m-medians(0, manyRuns)+1.6449*math.Sqrt(variance) >= 0 {
			return math.NaN()
		}
		return m
	}
	last := func(n int) func(int) float64 {
		return func(path int) float64 {
			var v []float64
			for _, r := range runs {
				one := []Run{r}
				a, b := meanOfClass(one, path, sample.New), meanOfClass(one, path, sample.Reused)
				if !math.IsNaN(a) && !math.IsNaN(b) {
					v = append(v, mix[fresh]*a+mix[reused]*b)
				}
			}
			return median(slices.Clone(v[max(0, len(v)-n):]))
		}
	}
	return map[string]uint8{
		"raw_median":     choose(func(path int) float64 { return medians(path, 1) }),
		"median_30":      choose(func(path int) float64 { return medians(path, 30) }),
		"bound_30":       choose(bound),
		"paired":         choose(func(path int) float64 { return pairedCost(runs, path, values, median) }),
		"rolling_median": choose(last(10)),
		"last_value":     choose(last(1)),
		"always_direct":  0,
	}
}

func meanOfClass(runs []Run, path int, class sample.Class) float64 {
	sum, n := 0.0, 0.0
	for _, r := range runs {
		for _, p := range r.Pulses[path] {
			if p.Outcome == sample.OK && p.Class == class {
				sum, n = sum+float64(p.Micros), n+1
			}
		}
	}
	return sum / n
}

// pairedCost is what is waited on the mix, by the mean ratio; NaN unless it is credibly less than on the default path.
func pairedCost(runs []Run, path int, values func(int, sample.Class) []float64, median func([]float64) float64) float64 {
	var before, mean, upper float64
	for class, weight := range mix {
		direct := weight * median(values(0, sample.New+sample.Class(class)))
		before += direct
		if path == 0 {
			continue
		}
		var ratios []float64
		for _, r := range runs {
			sum, n := 0, 0
			for i, p := range r.Pulses[path] {
				if q := r.Pulses[0][i]; p.Outcome == sample.OK && q.Outcome == sample.OK && p.Class == q.Class && p.Class == sample.New+sample.Class(class) {
					sum, n = sum+int(ingest.Ratio(p.Micros, q.Micros)), n+1
				}
			}
			if n > 0 {
				ratios = append(ratios, float64(sum/n)/sample.RatioOne)
			}
		}
		if len(ratios) < fewRuns {
			return math.NaN()
		}
		centre, spread := 0.0, 0.0
		for _, r := range ratios {
			centre += r / float64(len(ratios))
		}
		for _, r := range ratios {
			spread += (r - centre) * (r - centre) / float64(len(ratios)-1)
		}
		mean += direct * math.Exp2(centre)
		upper += direct * math.Exp2(centre+student95(int64(len(ratios)-1))*math.Sqrt(spread/float64(len(ratios))))
	}
	if path == 0 {
		return before
	}
	if upper >= before {
		return math.NaN()
	}
	return mean
}

// TestTwoPairsAreNoEvidence: however alike they are.
func TestTwoPairsAreNoEvidence(t *testing.T) {
	f := newFake(4, 1, 2)
	e := newEvidence(&f.layout, 10)
	for pane, want := range []uint8{0, 0, 1, 1} {
		f.measure(pane, 0, 100, 50)
		e.begin(pane)
		e.add(&f.runs[pane][0])
		e.end()
		if got := byPairs(&e.resolvers[0]); got != want {
			t.Errorf("%d pairs: path %d, want %d", pane+1, got, want)
		}
	}
}

// The quantiles are those of any table of Student's t.
func TestStudent(t *testing.T) {
	for freedom, want := range map[int64]float64{1: 6.314, 2: 2.920, 3: 2.353, 4: 2.132, 5: 2.015, 10: 1.812, 30: 1.697, 1000: 1.646} {
		if got := student95(freedom); math.Abs(got-want) > 0.003*want {
			t.Errorf("%d degrees: %.4f, want %.3f", freedom, got, want)
		}
	}
}
