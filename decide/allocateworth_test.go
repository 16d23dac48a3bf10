package decide

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/control"
	"detour/schemas/decision"
)

// gained returns the gain over all users, and the largest of one resolver.
func gained(list []proposal) (sum, largest float64) {
	for i := range list {
		p := &list[i]
		value := float64(p.weight) * float64(p.first.gain)
		largest = max(largest, value)
		if p.reason == decision.Faster {
			sum += value
		}
	}
	return sum, largest
}

// best returns the largest gain that any choice of resolvers has within the limits.
func best(a *allocation, list []proposal, others uint32) (most float64) {
	room := a.room(everybody(list, others))
	for chosen := range 1 << len(list) {
		sum, gain := *everybody(list, others), 0.0
		for i := range list {
			if p := &list[i]; chosen>>i&1 == 1 {
				sum.move(entry{weight: p.weight}, p.entry(p.first))
				gain += float64(p.weight) * float64(p.first.gain)
			}
		}
		fits := !sum.harm.above(room.harm)
		for path, on := range sum.on {
			fits = fits && on <= room.incumbents[path]
		}
		if fits {
			most = max(most, gain)
		}
	}
	return most
}

// A greedy choice in the best order lacks one resolver at most for each limit that binds.
func TestAllocationIsNearTheBest(t *testing.T) {
	var share, n float64
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		list := make([]proposal, rapid.IntRange(1, 12).Draw(t, "resolvers"))
		for i := range list {
			list[i] = wants(i, 1+r.Uint32N(20), 1+uint8(r.IntN(2)), 1+int32(r.IntN(100_000)), r.Uint32N(50_000))
		}
		capacity := control.Capacity{}
		limited := 0.0
		if rapid.Bool().Draw(t, "ceiling") {
			capacity["a"] = rapid.IntRange(0, 500_000).Draw(t, "a")
			limited++
		}
		budget := 0
		if rapid.Bool().Draw(t, "budget") {
			budget = rapid.IntRange(1000, 20_000).Draw(t, "ppm")
			limited++
		}
		a := limits(budget, 0, 0, capacity)
		a.allocate(everybody(list, 10), list)
		got, largest := gained(list)
		want := best(a, list, 10)
		if got > want || got < want-limited*largest*1.1 {
			t.Fatalf("gains %g of %g, the largest of one is %g", got, want, largest)
		}
		if want > 0 {
			share, n = share+got/want, n+1
		}
	})
	t.Logf("%.1f %% of the best, on average", 100*share/n)
	if share/n < 0.9 {
		t.Error("too far from the best")
	}
}

// crowd returns many resolvers as a tick may have them: weights and gains with long tails, harm below its limit.
func crowd(n int, seed uint64) []proposal {
	r := rand.New(rand.NewPCG(seed, 0))
	list := make([]proposal, n)
	for i := range list {
		weight := uint32(64 * (1 + r.ExpFloat64()*r.ExpFloat64()*20))
		list[i] = wants(i, weight, 1+uint8(r.IntN(2)), int32(20_000*r.ExpFloat64()*r.ExpFloat64()), uint32(20_000*r.Float64()*r.Float64()*r.Float64()))
		list[i].current = list[i].first.path * uint8(r.IntN(2))
	}
	return list
}

// Largest gain first is best where no budget binds, and largest gain for the harm where no ceiling does. The order with a
// price is as good as the better one of them, and better where both bind.
func TestAPriceBeatsEitherOrder(t *testing.T) {
	list := crowd(20_000, 1)
	byGain := func(i, j int32) int { return cmp.Compare(list[j].first.gain, list[i].first.gain) }
	byRatio := func(i, j int32) int {
		p, q := list[i].first, list[j].first
		return cmp.Compare(int64(q.gain)*int64(p.harm), int64(p.gain)*int64(q.harm))
	}
	for _, c := range []struct {
		budget   int
		capacity control.Capacity
	}{
		{0, control.Capacity{"a": 200_000}},
		{800, nil},
		{500, control.Capacity{"a": 300_000, "b": 150_000}},
		{300, control.Capacity{"a": 300_000}},
	} {
		a := limits(c.budget, 0, 0, c.capacity)
		in := func(order func(i, j int32) int) float64 {
			sum := everybody(list, 0)
			room := a.room(sum)
			indices := a.ranked(list, 0)
			slices.SortStableFunc(indices, order)
			for _, i := range indices {
				a.place(sum, room, &list[i])
			}
			got, _ := gained(list)
			return got
		}
		gain, ratio := in(byGain), in(byRatio)
		a.allocate(everybody(list, 0), list)
		got, _ := gained(list)
		t.Logf("budget %d, %v: by gain %.3g, by gain for harm %.3g, with a price %.3g", c.budget, c.capacity, gain, ratio, got)
		if got < 0.998*max(gain, ratio) {
			t.Errorf("budget %d, %v: gains %g; by gain %g, by gain for harm %g", c.budget, c.capacity, got, gain, ratio)
		}
	}
}

// BenchmarkAllocate is 200,000 proposals under no limit, each of the two, and both.
func BenchmarkAllocate(b *testing.B) {
	list := crowd(200_000, 2)
	sum := everybody(list, 0)
	for _, c := range []struct {
		name     string
		budget   int
		capacity control.Capacity
	}{
		{"unlimited", 0, nil},
		{"ceiling", 0, control.Capacity{"a": 200_000}},
		{"budget", 800, nil},
		{"both", 800, control.Capacity{"a": 200_000, "b": 100_000}},
	} {
		b.Run(c.name, func(b *testing.B) {
			a := limits(c.budget, 100_000, 20_000, c.capacity)
			taken := 0
			for b.Loop() {
				begin := *sum
				a.allocate(&begin, list)
				taken = len(list) - int(begin.on[0]*uint64(len(list))/begin.total)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(list)), "ns/proposal")
			b.ReportMetric(100*float64(taken)/float64(len(list)), "%moved")
		})
	}
}
