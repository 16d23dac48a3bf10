package decide

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// Each of halvings is the square root of the one before, in arithmetic of 200 bits, rounded up.
func TestHalvings(t *testing.T) {
	root := big.NewFloat(0.5).SetPrec(200)
	for i, got := range halvings {
		root = new(big.Float).SetPrec(200).Sqrt(root)
		want, _ := new(big.Float).SetPrec(200).SetMantExp(root, 63).Uint64()
		if got != want+1 { // none of them is whole
			t.Errorf("%d: %#x, want %#x", i, got, want+1)
		}
	}
}

func TestDecayed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		points := rapid.Uint32Range(0, 1<<30).Draw(t, "points")
		panes, half := rapid.Int64Range(0, 200_000).Draw(t, "panes"), rapid.Int64Range(1, 100_000).Draw(t, "half")
		want := float64(points) * math.Pow(2, -float64(panes)/float64(half))
		got := float64(decayed(points, panes, half))
		if got < want*(1-1e-12) || got > want*(1+1e-9)+1 {
			t.Fatalf("%g of %d, %g are left", got, points, want)
		}
	})
	for _, c := range []struct {
		points      uint32
		panes, half int64
		want        uint32
	}{
		{1000, 0, 15, 1000}, {1000, 15, 15, 500}, {1000, 30, 15, 250}, {1000, 1, 15, 955}, {12_000, 60, 15, 750}, {1, 1 << 40, 1, 1}, {0, 3, 7, 0},
	} {
		if got := decayed(c.points, c.panes, c.half); got != c.want {
			t.Errorf("of %d points after %d panes %d are left, want %d", c.points, c.panes, got, c.want)
		}
	}
}

func BenchmarkDecayed(b *testing.B) {
	panes := int64(0)
	for b.Loop() {
		decayed(1000, panes%1000, 180)
		panes++
	}
}
