package decide

import (
	"math"
	"testing"
)

func TestNormalQuantiles(t *testing.T) {
	for ppm, want := range map[int]float64{500_000: 0, 900_000: 1.28155, 950_000: 1.64485, 990_000: 2.32635, 999_900: 3.71902} {
		if got := normal(ppm); math.Abs(got-want) > 1e-5 {
			t.Errorf("normal quantile at %d ppm is %.5f, want %.5f", ppm, got, want)
		}
	}
}
