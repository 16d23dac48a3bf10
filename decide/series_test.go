package decide

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/control"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// drawHistogram makes one up with a few bins from low to high, some of which were met very often.
func drawHistogram(t *rapid.T, low, high int) (h window.Histogram) {
	counts := map[int16]uint32{}
	for range rapid.IntRange(0, 6).Draw(t, "bins") {
		n := rapid.Uint32Range(1, 5)
		if rapid.IntRange(0, 5).Draw(t, "often") == 0 {
			n = rapid.Uint32Range(100, math.MaxUint32)
		}
		counts[int16(rapid.IntRange(low, high).Draw(t, "bin"))] = n.Draw(t, "n")
	}
	for bin := int16(low); bin <= int16(high); bin++ {
		if counts[bin] > 0 {
			h.Add(bin, counts[bin])
		}
	}
	return h
}

// TestSeriesAgainstCounting keeps every window, the dumb way, and adds up what they weigh.
func TestSeriesAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		usual := rapid.Bool().Draw(t, "usual")
		a := ageing{weight: weights(rapid.IntRange(1, 6).Draw(t, "window"), rapid.IntRange(1, 6).Draw(t, "half-life"), 1)}
		a.now = rapid.Int64Range(1<<16-4, 1<<16+4).Draw(t, "now") // where the last 16 bits begin anew
		type seen struct {
			epoch int64
			w     window.Window
		}
		var s, late series
		var all []seen
		for range rapid.IntRange(0, 12).Draw(t, "windows") {
			w := window.Window{Path: 1, Class: sample.New, PairRuns: rapid.Uint32Range(0, 300).Draw(t, "runs")}
			if usual {
				w.Latency = drawHistogram(t, 0, window.LatencyBins-1)
			} else {
				w.Ratio = drawHistogram(t, -window.MaxRatioBin, window.MaxRatioBin)
			}
			s.add(uint16(a.now), &w, usual)
			all = append(all, seen{a.now, w})
			if rapid.IntRange(0, 2).Draw(t, "next epoch") == 0 {
				a.now += rapid.Int64Range(1, 3).Draw(t, "epochs")
				s.expire(&a)
			}
		}
		recent := rapid.IntRange(0, 7).Draw(t, "recent")
		var newer, older [shapeBins]uint64
		var runs [2]uint64
		for _, x := range all {
			age := int(a.now - x.epoch)
			if age >= len(a.weight) {
				continue
			}
			late.add(uint16(x.epoch), &x.w, usual)
			into, old, h, number := &newer, 0, &x.w.Ratio, func(bin int16) int { return int(bin) + 32 }
			if age >= recent {
				into, old = &older, 1
			}
			if usual {
				h, number = &x.w.Latency, func(bin int16) int { return int(bin) / 4 }
			}
			if len(h.Bins) > 0 {
				runs[old] += a.weight[age] * uint64(x.w.PairRuns)
			}
			for i, bin := range h.Bins {
				into[number(bin)] += a.weight[age] * uint64(h.Counts[i])
			}
		}
		var got [2]histogram
		s.since(&a, 0, &got[0])
		s.since(&a, recent, &got[1])
		both := newer
		for bin, n := range older {
			both[bin] += n
		}
		runs[0] += runs[1]
		for i, want := range [][shapeBins]uint64{both, older} {
			if got[i].counts != want || got[i].runs != runs[i] || outside(&got[i]) {
				t.Fatalf("half %d of %v: %d runs, want %d; bins differ: %t", i, s.shape, got[i].runs, runs[i], got[i].counts != want)
			}
		}
		if n := s.runs(&a); n != runs[0] {
			t.Fatalf("%d runs, want %d", n, runs[0])
		}
		s.since(&a, 0, &got[0]) // adds to what is there
		got[0].reset()
		if got[0] != (histogram{}) {
			t.Fatalf("%+v is left", got[0])
		}
		s.expire(&a)
		if !slices.Equal(s.shape, late.shape) || len(s.shape) > 0 && s.tail != late.tail {
			t.Fatalf("%v from %d, without what is forgotten %v from %d", s.shape, s.tail, late.shape, late.tail)
		}
	})
}

// outside reports whether a bin holds something where there should be nothing.
func outside(h *histogram) bool {
	some := func(n uint64) bool { return n > 0 }
	return slices.ContainsFunc(h.counts[:h.low], some) || slices.ContainsFunc(h.counts[h.high:], some)
}

func TestMedianAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOf(rapid.IntRange(0, 9)).Draw(t, "values")
		var h histogram
		for _, v := range values {
			h.counts[v]++
			h.widen(v, v)
		}
		slices.Sort(values)
		bin, ok := h.median()
		if ok != (len(values) > 0) || ok && bin != values[(len(values)-1)/2] {
			t.Fatalf("median %d of %v", bin, values)
		}
	})
}

func TestWeights(t *testing.T) {
	p := 15
	if got, want := weights(60, 30, p), []uint64{64, 45, 32, 23, 16}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, c := range []struct{ window, width, ages int }{ // an epoch counts until all of its panes are too old
		{1, 15, 1}, {2, 15, 2}, {16, 15, 2}, {17, 15, 3}, {480, 15, 33}, {481, 15, 33}, {482, 15, 34}, {1, 1, 1}, {2, 1, 2}, {5, 1, 5},
	} {
		if got := len(weights(c.window, 180, c.width)); got != c.ages {
			t.Errorf("%d panes in epochs of %d: %d ages, want %d", c.window, c.width, got, c.ages)
		}
	}
	for half := 1; half <= 700; half++ {
		for age, got := range weights(700, half, 1) {
			if want := math.Round(64 * math.Exp2(-float64(age)/float64(half))); float64(got) != want {
				t.Fatalf("age %d of half-life %d weighs %d, want %v", age, half, got, want)
			}
		}
	}
	if got := weights(1000, 1, 1); got[7] != 1 || got[8] != 0 || got[999] != 0 {
		t.Errorf("old evidence weighs %v", got[7:])
	}
}

func TestKeysAreInTheOrderOfWindows(t *testing.T) {
	draw := func(t *rapid.T) window.Window {
		w := window.Window{
			Country: sample.Country(rapid.Uint16().Draw(t, "country")), ASN: rapid.Uint32().Draw(t, "asn"),
			Other: uint8(rapid.IntRange(0, 1).Draw(t, "other")),
			Path:  uint8(rapid.IntRange(0, 31).Draw(t, "path")), Class: sample.Class(rapid.IntRange(0, int(sample.Classes)-1).Draw(t, "class")),
		}
		return w
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t), draw(t)
		if rapid.Bool().Draw(t, "same cell") {
			b.Country, b.ASN, b.Other = a.Country, a.ASN, a.Other
		}
		k, l := keyOf(a.Cell(), a.Path, a.Class), keyOf(b.Cell(), b.Path, b.Class)
		if k.cell() != a.Cell() || k.path() != a.Path || k.class() != a.Class {
			t.Fatalf("%+v became %v, %d, %d", a, k.cell(), k.path(), k.class())
		}
		if order := window.Compare(&a, &b); order < 0 != (k < l) || order == 0 != (k == l) {
			t.Fatalf("%+v, %+v: %d and %d", a, b, k, l)
		}
		if k.sameCell(l) != (a.Cell() == b.Cell()) {
			t.Fatalf("%v and %v", a.Cell(), b.Cell())
		}
	})
}

// TestWithinAgainstRuns draws the pairs of runs, and adds up how far they are from their run's mean.
func TestWithinAgainstRuns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var got within
		var squares, freedom float64
		for range rapid.IntRange(1, 20).Draw(t, "windows") {
			w := window.Window{PairRuns: rapid.Uint32Range(1, 2).Draw(t, "runs")}
			bins := rapid.SliceOfN(rapid.Int16Range(-32, 32), 1, 64).Draw(t, "bins")
			slices.Sort(bins)
			var mean float64
			for _, bin := range bins {
				w.Ratio.Add(bin, 1)
				w.Pairs++
				mean += float64(bin) / float64(len(bins))
			}
			got.add(&w)
			if w.PairRuns == 1 && w.Pairs > 1 {
				for _, bin := range bins {
					squares += (float64(bin) - mean) * (float64(bin) - mean)
				}
				freedom += float64(w.Pairs) - 1
			}
		}
		if want := squares / max(freedom, 1); math.Abs(got.variance()-want) > 1e-3 || float64(got.freedom) != freedom {
			t.Fatalf("variance %v with %d degrees of freedom, want %v with %v", got.variance(), got.freedom, want, freedom)
		}
	})
}

// TestWithinIsWeighted has an epoch with runs that vary and, a half-life later, one with runs that don't; that of the
// newest one is not whole yet.
func TestWithinIsWeighted(t *testing.T) {
	p := control.DefaultPolicy()
	p.HalfLife = epochPanes
	e := &New(testGenesis(1, 2), 0).evidence
	for i, c := range []struct {
		bins []int16
		want float64
	}{{[]int16{-2, 2}, 0}, {[]int16{1, 1}, 8}, {nil, 8.0 * 16 / (16 + 32)}} {
		start := firstPane + int64(i)*epochPanes*minute
		var ws []window.Window
		for _, path := range []uint8{0, 1} { // on the default path nothing is compared
			s := seen{cell: berlin, path: path, class: sample.New, runs: 1, pulse: len(c.bins), bins: c.bins}
			ws = append(ws, s.windowOf(address(1)))
		}
		e.add(e.begin(start, nil), &window.Pane{Start: start, Windows: ws})
		e.age(&p)
		if v := e.within(); v[fresh].variance() != c.want || v[reused] != (within{}) {
			t.Errorf("epoch %d: variances %v and %v, want %v", i, v[fresh].variance(), v[reused].variance(), c.want)
		}
	}
}
