package world

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Evaluate agrees with an implementation that writes out every user group and does the obvious.
func TestEvaluateAgainstBruteForce(t *testing.T) {
	w := build(t, func(s *Scenario) { s.Resolvers = 40 })
	rapid.Check(t, func(t *rapid.T) {
		paths := map[netip.Addr]int{}
		for _, r := range w.Resolvers() {
			paths[r.Addr] = rapid.IntRange(Direct, Proxy).Draw(t, "path")
		}
		assign := func(a netip.Addr) int { return paths[a] }
		e := w.Evaluate(assign)
		for name, pair := range map[string][2]Outcome{
			"map":    {e.Map, bruteForce(w, assign)},
			"proxy":  {e.AllProxy, bruteForce(w, Always(Proxy))},
			"direct": {e.AllDirect, bruteForce(w, Always(Direct))},
		} {
			got, want := pair[0], pair[1]
			got.Gain = 0
			if !alike(got, want) {
				t.Fatalf("%s:\n got %+v\nwant %+v", name, got, want)
			}
		}
		if e.AllDirect.SlowerUsers != 0 || e.Oracle.Gain < 1-1e-9 || e.Map.Gain > 1+1e-9 || e.Oracle.MeanMs > e.Map.MeanMs+1e-9 {
			t.Fatalf("no oracle: %+v", e)
		}
	})
}

func alike(a, b Outcome) bool {
	for _, d := range []float64{
		a.ViaProxy - b.ViaProxy, a.SlowerUsers - b.SlowerUsers, a.SlowerResolvers - b.SlowerResolvers, a.SlowerNew - b.SlowerNew,
		a.MovedNew - b.MovedNew, a.MovedReused - b.MovedReused,
		a.SlowerReused - b.SlowerReused, a.MedianNew - b.MedianNew, a.MedianReused - b.MedianReused, a.MeanMs - b.MeanMs,
	} {
		if math.Abs(d) > 1e-9 {
			return false
		}
	}
	return true
}

func bruteForce(w *World, assign Assignment) (o Outcome) {
	type user struct {
		weight, fresh, reused float64
		moved                 bool
	}
	var users []user
	slowerResolvers := 0
	for _, r := range w.resolvers {
		path := assign(r.Addr)
		var before, after float64
		for _, s := range r.Populations {
			latency := func(path int) (fresh, reused, mixed float64) {
				fresh, reused = w.TrueLatency(s.Population, path, NewConnection), w.TrueLatency(s.Population, path, ReusedConnection)
				return fresh, reused, (fresh + reused + reused) / 3
			}
			df, dr, dm := latency(Direct)
			cf, cr, cm := latency(path)
			users = append(users, user{s.Weight, (df - cf) / df, (dr - cr) / dr, path == Proxy})
			before, after = before+s.Weight*dm, after+s.Weight*cm
			if path == Proxy {
				o.ViaProxy += s.Weight
			}
			if cm > dm*1.05 && cm > dm+2 {
				o.SlowerUsers += s.Weight
			}
			if cf > df {
				o.SlowerNew += s.Weight
			}
			if cr > dr {
				o.SlowerReused += s.Weight
			}
		}
		o.MeanMs += after
		if before, after = before/r.Weight, after/r.Weight; after > before*1.05 && after > before+2 {
			slowerResolvers++
		}
	}
	o.SlowerResolvers = float64(slowerResolvers) / float64(len(w.resolvers))
	half := func(users []user, value func(user) float64) float64 {
		slices.SortFunc(users, func(a, b user) int {
			return cmp.Compare(value(a), value(b))
		})
		var total, sum float64
		for _, u := range users {
			total += u.weight
		}
		for _, u := range users {
			if sum += u.weight; sum >= total/2 {
				return value(u)
			}
		}
		return 0
	}
	fresh, reused := func(u user) float64 { return u.fresh }, func(u user) float64 { return u.reused }
	moved := slices.DeleteFunc(slices.Clone(users), func(u user) bool { return !u.moved })
	o.MedianNew, o.MedianReused = half(users, fresh), half(users, reused)
	o.MovedNew, o.MovedReused = half(moved, fresh), half(moved, reused)
	return o
}

// The default world, for the record: what everybody by proxy does to it, and what can be had.
func TestDefaultWorldFigures(t *testing.T) {
	w := build(t, nil)
	e := w.Evaluate(w.Oracle())
	t.Logf("all direct %+v", e.AllDirect)
	t.Logf("all proxy  %+v", e.AllProxy)
	t.Logf("oracle     %+v", e.Oracle)
	if e.AllProxy.SlowerNew < 0.2 || e.Oracle.SlowerUsers > 0.02 || e.Oracle.SlowerResolvers != 0 {
		t.Errorf("many are faster by proxy, a real minority slower, and an oracle spares them: %+v", e)
	}
}

func TestPicture(t *testing.T) {
	w := build(t, nil)
	for _, rows := range []int{1, 2, 14, 500} {
		picture := w.Picture(Always(Proxy), NewConnection, rows)
		var users float64
		for _, r := range picture {
			var sum float64
			for _, b := range r.Bins {
				sum += b
			}
			if users += r.Weight; math.Abs(sum-1) > 1e-9 || len(r.Bins) != Bins || r.Label == "" {
				t.Errorf("row %+v adds up to %v", r, sum)
			}
		}
		if len(picture) > rows || math.Abs(users-1) > 1e-9 {
			t.Errorf("%d rows of at most %d, with %v of the users", len(picture), rows, users)
		}
	}
	for _, r := range w.Picture(Always(Direct), NewConnection, 10) {
		if math.Abs(r.Bins[Bins/2]-1) > 1e-9 {
			t.Errorf("nobody moves, yet %+v", r)
		}
	}
	for acceleration, want := range map[float64]int{-5: 0, -1: 0, 0: Bins / 2, 0.5: 21, 1: Bins - 1} {
		if got := bin(acceleration); got != want {
			t.Errorf("bin(%v) = %d, want %d", acceleration, got, want)
		}
	}
}
