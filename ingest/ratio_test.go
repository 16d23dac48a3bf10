package ingest

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/sample"
)

func TestLog2IsWithinItsPrecision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Uint32Range(1, math.MaxUint32).Draw(t, "x")
		want := math.Log2(float64(x)) * (1 << log2Bits)
		if got := float64(log2(x)); got > want+0.01 || got < want-1.01 {
			t.Fatalf("log2(%d) = %g, want %g", x, got, want)
		}
	})
}

func TestRatioIsTheNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint32Range(1, 1<<31).Draw(t, "a"), rapid.Uint32Range(1, 1<<31).Draw(t, "b")
		want := math.Log2(float64(a)/float64(b)) * sample.RatioOne
		if got := float64(Ratio(a, b)); math.Abs(got-want) > 0.52 {
			t.Fatalf("Ratio(%d, %d) = %g, want %g", a, b, got, want)
		}
	})
}
