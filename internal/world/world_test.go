package world

import (
	"math"
	"net/netip"
	"slices"
	"testing"
)

// build returns the default world with changes.
func build(t testing.TB, change func(*Scenario)) *World {
	t.Helper()
	s := Default()
	if change != nil {
		change(&s)
	}
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestResolversHoldEveryUserOnce(t *testing.T) {
	for _, n := range []int{1, 50, 3000, 10000, 30000} {
		w := build(t, func(s *Scenario) { s.Resolvers = n })
		if len(w.Resolvers()) != n {
			t.Fatalf("%d resolvers, want %d", len(w.Resolvers()), n)
		}
		var sum, cells float64
		seen := map[netip.Addr]bool{}
		for _, r := range w.Resolvers() {
			if seen[r.Addr] || r.Weight <= 0 || len(r.Populations) == 0 {
				t.Fatalf("of %d: bad resolver %+v", n, r)
			}
			seen[r.Addr] = true
			sum += r.Weight
			for _, s := range r.Populations {
				cells += s.Weight
			}
			if got, ok := w.Resolver(r.Addr); !ok || got.Addr != r.Addr {
				t.Fatalf("resolver %v is not found by its address", r.Addr)
			}
		}
		if math.Abs(sum-1) > 1e-9 || math.Abs(cells-1) > 1e-9 {
			t.Errorf("of %d: weights add up to %v and %v", n, sum, cells)
		}
	}
}

func TestPopulationsWeighAsTheirPeople(t *testing.T) {
	w := build(t, nil)
	got := make([]float64, len(w.populations))
	for _, r := range w.resolvers {
		for _, s := range r.Populations {
			got[s.Population] += s.Weight
		}
	}
	for i, p := range w.populations {
		if math.Abs(got[i]-p.Weight) > 1e-9 {
			t.Errorf("%s has %v of the users, want %v", p.City, got[i], p.Weight)
		}
	}
}

// Beyond the real identities, addresses are private or for documentation.
func TestInventedAddresses(t *testing.T) {
	w := build(t, func(s *Scenario) { s.Resolvers = 20000 })
	listed := map[netip.Addr]bool{}
	for _, id := range w.topology.data.resolvers {
		listed[id.addr] = true
	}
	documentation := netip.MustParsePrefix("2001:db8::/32")
	invented, six := 0, 0
	for _, r := range w.resolvers {
		if listed[r.Addr] {
			continue
		}
		invented++
		if r.Addr.Is6() {
			six++
		}
		if !r.Addr.IsPrivate() && !documentation.Contains(r.Addr) {
			t.Errorf("made-up resolver has the public address %v", r.Addr)
		}
	}
	if invented != 20000-len(listed) || six == 0 || six > invented/4 {
		t.Errorf("%d made up, %d of them IPv6; %d listed", invented, six, len(listed))
	}
	if last := inventedAddr(maxResolvers/blockSize-1, blockSize-1); !last.IsPrivate() && !documentation.Contains(last) {
		t.Errorf("the last made-up address is %v", last)
	}
}

// ISP resolvers serve one city; public ones several.
func TestPublicResolversServeMany(t *testing.T) {
	w := build(t, nil)
	most := 0
	for _, r := range w.resolvers {
		if n := len(r.Populations); !r.Anycast && n != 1 {
			t.Errorf("ISP resolver %v serves %d cities", r.Addr, n)
		} else if r.Anycast {
			most = max(most, n)
		}
	}
	if most != len(w.populations) {
		t.Errorf("the widest public resolver serves %d of %d cities", most, len(w.populations))
	}
}

// In the demo the user-weighted median resolver has tens of runs: enough to decide on, far from certainty.
func TestDefaultRunsPerResolver(t *testing.T) {
	w := build(t, nil)
	var runs []weighted
	for _, r := range w.resolvers {
		runs = append(runs, weighted{r.Weight * float64(w.scenario.Runs), r.Weight})
	}
	m := median(runs)
	t.Logf("user-weighted median resolver: %.0f runs expected", m)
	if m < 20 || m > 200 {
		t.Errorf("the user-weighted median resolver has %.0f runs", m)
	}
}

func TestDataIsWhole(t *testing.T) {
	d, err := measured()
	if err != nil {
		t.Fatal(err)
	}
	if len(d.cities) != 230 || len(d.resolvers) < 9600 || len(d.rtt) < 50000 || len(d.noise.factors) != 1025 {
		t.Errorf("%d cities, %d resolvers, %d pings, %d noise quantiles", len(d.cities), len(d.resolvers), len(d.rtt), len(d.noise.factors))
	}
	if !slices.IsSorted(d.noise.factors) || math.Abs(d.noise.factors[512]-1) > 0.001 {
		t.Errorf("noise is not a quantile function with median 1: %v", d.noise.factors[512])
	}
	if d.backbone != Default().Backbone {
		t.Errorf("the default backbone factor is %v, measured %v", Default().Backbone, d.backbone)
	}
	for name, q := range d.lastMile {
		if !slices.IsSorted(q[:]) {
			t.Errorf("last mile of %s is not a quantile function: %v", name, q)
		}
	}
}
