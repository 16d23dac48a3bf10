package window

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/sample"
)

func TestLatencyBinsAreContiguous(t *testing.T) {
	next := uint64(0)
	for bin := range int16(LatencyBins) {
		low, high := LatencyEdges(bin)
		if uint64(low) != next || high < low {
			t.Fatalf("bin %d is [%d, %d], the one before ended at %d", bin, low, high, next-1)
		}
		next = uint64(high) + 1
		middle := LatencyMiddle(bin)
		for _, us := range []uint32{low, middle, high} {
			if got := LatencyBin(us); got != bin {
				t.Fatalf("%d µs falls in bin %d, not %d", us, got, bin)
			}
			if apart(us, middle)*128 > uint64(us) {
				t.Fatalf("bin %d: %d stands for %d: more than 1/128 apart", bin, middle, us)
			}
		}
	}
	if next != 1<<32 {
		t.Errorf("bins end at %d", next)
	}
}

func apart(a, b uint32) uint64 { return uint64(max(a, b) - min(a, b)) }

func TestLatencyBinIsMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint32().Draw(t, "a"), rapid.Uint32().Draw(t, "b")
		if a > b {
			a, b = b, a
		}
		if LatencyBin(a) > LatencyBin(b) {
			t.Fatalf("%d is in bin %d, %d in %d", a, LatencyBin(a), b, LatencyBin(b))
		}
		if apart(a, LatencyMiddle(LatencyBin(a)))*128 > uint64(a) {
			t.Fatalf("%d stands for %d", LatencyMiddle(LatencyBin(a)), a)
		}
	})
}

func TestQuantilesAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Uint32(), 1, 200).Draw(t, "values")
		permille := rapid.Uint64Range(0, 1000).Draw(t, "permille")
		slices.Sort(values)
		var h Histogram
		for _, us := range values {
			h.Add(LatencyBin(us), 1)
		}
		if err := h.check(0, LatencyBins-1, uint32(len(values))); err != nil {
			t.Fatal(err)
		}
		rank := max(1, int(math.Ceil(float64(permille)*float64(len(values))/1000)))
		exact := values[rank-1]
		if got := h.LatencyQuantile(permille); apart(got, exact)*128 > uint64(exact) {
			t.Fatalf("quantile %d of %v is %d, want %d within 1/128", permille, values, got, exact)
		}
	})
}

func TestQuantilesOfNothing(t *testing.T) {
	var h Histogram
	if bin, ok := h.Bin(500); ok || bin != 0 || h.LatencyQuantile(500) != 0 || h.Total() != 0 {
		t.Errorf("bin %d, %t", bin, ok)
	}
}

func TestRatioBinIsTheNearest(t *testing.T) {
	for ratio := math.MinInt16; ratio <= math.MaxInt16; ratio++ {
		octaves := float64(ratio) / sample.RatioOne
		want := min(max(math.Floor(octaves*RatioBinsPerOctave+0.5), -MaxRatioBin), MaxRatioBin)
		if got := RatioBin(int16(ratio)); float64(got) != want {
			t.Fatalf("ratio %d is in bin %d, want %v", ratio, got, want)
		}
	}
}

func TestHistogramCheck(t *testing.T) {
	tests := []struct {
		name string
		h    Histogram
		ok   bool
	}{
		{"empty, but 3 are claimed", Histogram{}, false},
		{"right", Histogram{[]int16{0, 5}, []uint32{1, 2}}, true},
		{"below", Histogram{[]int16{-1, 5}, []uint32{1, 2}}, false},
		{"above", Histogram{[]int16{0, 10}, []uint32{1, 2}}, false},
		{"order", Histogram{[]int16{5, 0}, []uint32{1, 2}}, false},
		{"twice", Histogram{[]int16{5, 5}, []uint32{1, 2}}, false},
		{"count of 0", Histogram{[]int16{0, 1, 2}, []uint32{1, 0, 2}}, false},
		{"sum", Histogram{[]int16{0, 5}, []uint32{1, 1}}, false},
		{"sum that wraps", Histogram{[]int16{0, 1, 2}, []uint32{math.MaxUint32, 1, 3}}, false},
		{"lengths", Histogram{[]int16{0, 5}, []uint32{3}}, false},
	}
	for _, tt := range tests {
		if err := tt.h.check(0, 9, 3); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
