package decide

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/control"
	"detour/schemas/decision"
)

// limits returns an allocation over four paths, the first of which is the default one.
func limits(budget, margin, spare int, capacity control.Capacity) *allocation {
	p := control.DefaultPolicy()
	p.Harm.Budget, p.DeadBand.MarginPPM, p.DeadBand.SparePPM, p.Capacity = budget, margin, spare, capacity
	return newAllocation(&p, []string{"direct", "a", "b", "c"}, 0)
}

// wants returns the proposal of a resolver on the default path.
func wants(i int, weight uint32, path uint8, gain int32, harm uint32) proposal {
	return proposal{resolver: address(i), weight: weight, first: choice{path, gain, harm}}
}

// everybody accounts for proposals, and for others of that weight on the default path.
func everybody(list []proposal, others uint32) *account {
	sum := new(account)
	sum.add(entry{weight: others})
	for i := range list {
		sum.add(entry{weight: list[i].weight})
	}
	return sum
}

// outcome renders what each proposal gets.
func outcome(list []proposal) (words []string) {
	for _, p := range list {
		words = append(words, string('0'+rune(p.path))+":"+p.reason.String())
	}
	return words
}

func TestAllocate(t *testing.T) {
	on := func(p proposal, path uint8) proposal { p.current = path; return p }
	rescue := func(p proposal) proposal { p.rescue = true; return p }
	second := func(p proposal, c choice) proposal { p.second = c; return p }
	for _, c := range []struct {
		name   string
		limits *allocation
		list   []proposal
		others uint32
		want   []string
	}{
		{
			"no limits", limits(0, 0, 0, nil),
			[]proposal{wants(1, 10, 1, 100, 20_000), wants(2, 90, 2, -5, 1_000_000)},
			0,
			[]string{"1:faster", "2:faster"},
		},
		{
			"the largest gains, a large resolver is passed over", limits(0, 0, 0, control.Capacity{"a": 300_000}),
			[]proposal{wants(1, 20, 1, 100, 0), wants(2, 20, 1, 300, 0), wants(3, 31, 1, 400, 0), wants(4, 10, 1, 50, 0), wants(5, 19, 2, 1, 0)},
			0,
			[]string{"0:over_capacity", "1:faster", "0:over_capacity", "1:faster", "2:faster"},
		},
		{
			"of equals the lower address", limits(0, 0, 0, control.Capacity{"a": 500_000}),
			[]proposal{wants(2, 10, 1, 100, 0), wants(1, 10, 1, 100, 0)},
			0,
			[]string{"0:over_capacity", "1:faster"},
		},
		{
			"a small gain does not displace who is there", limits(0, 100_000, 0, control.Capacity{"a": 500_000}),
			[]proposal{wants(1, 10, 1, 110, 0), on(wants(2, 10, 1, 101, 0), 1)},
			0,
			[]string{"0:over_capacity", "1:faster"},
		},
		{
			"a large one does", limits(0, 100_000, 0, control.Capacity{"a": 500_000}),
			[]proposal{wants(1, 10, 1, 112, 0), on(wants(2, 10, 1, 101, 0), 1)},
			0,
			[]string{"1:faster", "0:over_capacity"},
		},
		{
			"the spare part of a ceiling is for who is there", limits(0, 0, 20_000, control.Capacity{"a": 500_000}),
			[]proposal{wants(1, 99, 1, 100, 0), on(wants(2, 99, 2, 100, 0), 2)},
			0,
			[]string{"0:over_capacity", "2:faster"},
		},
		{
			"who is there stays in it", limits(0, 0, 20_000, control.Capacity{"a": 500_000}),
			[]proposal{on(wants(1, 99, 1, 100, 0), 1)},
			99,
			[]string{"1:faster"},
		},
		{
			"a closed path", limits(0, 0, 0, control.Capacity{"a": 0}),
			[]proposal{on(wants(1, 1, 1, 100, 0), 1)},
			99,
			[]string{"0:over_capacity"},
		},
		{
			"a budget", limits(1000, 0, 0, nil), // 100 of 1 in 100,000 users each
			[]proposal{wants(1, 1, 1, 100, 60_000), wants(2, 1, 1, 300, 60_000), wants(3, 1, 1, 1, 0)},
			97,
			[]string{"0:over_budget", "1:faster", "1:faster"},
		},
		{
			"a budget buys most gain where harm is low", limits(1000, 0, 0, nil),
			[]proposal{wants(1, 1, 1, 300, 100_000), wants(2, 1, 1, 200, 50_000), wants(3, 1, 1, 200, 50_000)},
			97,
			[]string{"0:over_budget", "1:faster", "1:faster"},
		},
		{
			"rescues come first and are never refused", limits(1, 0, 0, control.Capacity{"a": 100_000}),
			[]proposal{on(wants(1, 10, 1, 1000, 0), 1), rescue(wants(2, 20, 1, -5, 900_000)), wants(3, 1, 2, 5, 0)},
			69,
			[]string{"0:over_capacity", "1:default_down", "2:faster"},
		},
		{
			"a second choice", limits(0, 0, 0, control.Capacity{"a": 0, "b": 100_000}),
			[]proposal{second(wants(1, 10, 1, 9, 0), choice{path: 2, gain: 8}), second(wants(2, 10, 1, 8, 0), choice{path: 2, gain: 7})},
			80,
			[]string{"2:over_capacity", "0:over_capacity"},
		},
	} {
		sum := everybody(c.list, c.others)
		c.limits.allocate(sum, c.list)
		if got := outcome(c.list); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if want := booked(c.list, c.others); *sum != want {
			t.Errorf("%s: accounts for %+v, want %+v", c.name, *sum, want)
		}
	}
}

// booked accounts for an outcome anew.
func booked(list []proposal, others uint32) (sum account) {
	sum.add(entry{weight: others})
	for i := range list {
		p := &list[i]
		e := entry{path: p.path, weight: p.weight}
		switch {
		case p.path == 0 || p.rescue:
		case p.path == p.first.path:
			e.harm = p.first.harm
		default:
			e.harm = p.second.harm
		}
		sum.add(e)
	}
	return sum
}

func drawProposals(t *rapid.T, most int) []proposal {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	list := make([]proposal, rapid.IntRange(1, most).Draw(t, "resolvers"))
	for i := range list {
		list[i] = wants(i, 1+r.Uint32N(1+r.Uint32N(1000)), 1+uint8(r.IntN(3)), int32(r.IntN(1<<(1+r.IntN(20)))), r.Uint32N(1+r.Uint32N(60_000)))
		p := &list[i]
		p.current = uint8(r.IntN(4))
		p.rescue = r.IntN(20) == 0
		if r.IntN(3) == 0 {
			p.second = choice{(p.first.path + uint8(1+r.IntN(3))) % 4, int32(r.IntN(1000)), r.Uint32N(60_000)}
		}
	}
	return list
}

func drawLimits(t *rapid.T) *allocation {
	capacity := control.Capacity{}
	for _, path := range []string{"a", "b", "c"} {
		if rapid.Bool().Draw(t, "ceiling of "+path) {
			capacity[path] = rapid.IntRange(0, 500_000).Draw(t, path)
		}
	}
	return limits(rapid.SampledFrom([]int{0, 10, 1000, 5000, 20_000}).Draw(t, "budget"),
		rapid.IntRange(0, 300_000).Draw(t, "margin"), rapid.IntRange(0, 100_000).Draw(t, "spare"), capacity)
}

// No ceiling and no budget is exceeded but by rescues, every rescue is taken, and the account is right.
func TestAllocationKeepsItsLimits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list, a, others := drawProposals(t, 200), drawLimits(t), rapid.Uint32Range(0, 20_000).Draw(t, "others")
		sum := everybody(list, others)
		a.allocate(sum, list)
		if want := booked(list, others); *sum != want {
			t.Fatalf("accounts for %+v, want %+v", *sum, want)
		}
		var rescued [control.MaxPaths]uint64
		for i := range list {
			if p := &list[i]; p.rescue {
				rescued[p.path] += uint64(p.weight)
				if p.path != p.first.path || p.reason != decision.DefaultDown {
					t.Fatalf("%d: rescued over %d, %s", i, p.path, p.reason)
				}
			} else if (p.path == p.first.path) != (p.reason == decision.Faster) {
				t.Fatalf("%d: on %d, %s", i, p.path, p.reason)
			}
		}
		for path, on := range sum.on {
			if limit := max(float64(a.ceilings[path])/1e6*float64(sum.total), float64(rescued[path])); float64(on) > limit+1e-6 {
				t.Fatalf("path %d: %d of %d, at most %g", path, on, sum.total, limit)
			}
		}
		if sum.harm.above(product(sum.total, uint64(a.budget))) {
			t.Fatalf("harm of %v for %d users, %d ppm are allowed", sum.harm, sum.total, a.budget)
		}
	})
}

// The order of proposals changes nothing for any of them.
func TestAllocationDoesNotSeeTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list, a := drawProposals(t, 100), drawLimits(t)
		for i := range list {
			list[i].first.gain &^= rapid.SampledFrom([]int32{0, 63, 4095}).Draw(t, "ties")
		}
		other := slices.Clone(list)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
		a.allocate(everybody(list, 500), list)
		a.allocate(everybody(other, 500), other)
		slices.SortFunc(other, func(p, q proposal) int { return p.resolver.Compare(q.resolver) })
		for i := range list {
			if list[i] != other[i] {
				t.Fatalf("%+v, in another order %+v", list[i], other[i])
			}
		}
	})
}

// Who is taken is taken for a larger gain, too, and for less harm; and nobody loses by a higher ceiling where all are of
// one size.
func TestAllocationIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list, a := drawProposals(t, 40), drawLimits(t)
		a.budget = all
		a.allocate(everybody(list, 500), list)
		more := slices.Clone(list)
		i := rapid.IntRange(0, len(list)-1).Draw(t, "one")
		more[i].first.gain += int32(rapid.IntRange(0, 1000).Draw(t, "more gain"))
		more[i].first.harm /= 2
		a.allocate(everybody(more, 500), more)
		if list[i].reason == decision.Faster && more[i].reason != decision.Faster {
			t.Fatalf("taken with %+v, refused with %+v", list[i].first, more[i].first)
		}
		for i := range list {
			list[i].weight, list[i].second = 7, choice{}
		}
		a.allocate(everybody(list, 500), list)
		wider, before := *a, slices.Clone(list)
		for path := range wider.ceilings {
			wider.ceilings[path] = min(all, wider.ceilings[path]+50_000)
		}
		wider.allocate(everybody(list, 500), list)
		for i := range list {
			if before[i].reason == decision.Faster && list[i].reason != decision.Faster {
				t.Fatalf("taken %+v, refused under higher ceilings %v", before[i], wider.ceilings[:4])
			}
		}
	})
}

func TestWideSumsDoNotOverflow(t *testing.T) {
	var sum account
	e := entry{path: 1, weight: 1<<32 - 1, harm: million}
	for range 10_000_000 {
		sum.add(e)
	}
	if want := product(10_000_000*(1<<32-1), million); sum.harm != want || sum.total != sum.on[1] {
		t.Errorf("%+v, want %v", sum, want)
	}
	if got := sum.harm.part(1, 3); got != (wide{sum.harm.high / 3, got.low}) || got.plus(got).plus(got).above(sum.harm) {
		t.Errorf("a third of %v is %v", sum.harm, got)
	}
	for range 10_000_000 {
		sum.remove(e)
	}
	if sum != (account{}) {
		t.Errorf("%+v is left", sum)
	}
}
