package decide

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestExp2AndLog2AreCloseToTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-60, 60).Draw(t, "x")
		if got, want := exp2(x), math.Exp2(x); math.Abs(got/want-1) > 1e-7 {
			t.Fatalf("exp2(%v) = %v, want %v", x, got, want)
		}
		y := math.Exp2(x)
		if got := log2(y); math.Abs(got-x) > 1e-7 {
			t.Fatalf("log2(%v) = %v, want %v", y, got, x)
		}
		if got := log2(exp2(x)); math.Abs(got-x) > 1e-12 {
			t.Fatalf("log2(exp2(%v)) = %v", x, got)
		}
	})
	for _, whole := range []float64{-3, 0, 1, 10} {
		if exp2(whole) != math.Exp2(whole) || log2(math.Exp2(whole)) != whole {
			t.Errorf("2^%v is not exact", whole)
		}
	}
	if got := exp2(math.Nextafter(0, -1)); got != 1 {
		t.Errorf("exp2 just below 0 is %v", got)
	}
}

// The figures are those of the tables in any textbook, e.g. Abramowitz and Stegun, table 26.10.
func TestStudentQuantiles(t *testing.T) {
	for _, c := range []struct {
		freedom uint64
		ppm     int
		want    float64
	}{
		{1, 950_000, 6.314},
		{2, 950_000, 2.920},
		{3, 950_000, 2.353},
		{6, 950_000, 1.943},
		{10, 990_000, 2.764},
		{29, 950_000, 1.699},
		{30, 975_000, 2.042},
		{120, 950_000, 1.658},
		{5, 500_000, 0},
		{1, 999_500, 636.62},
		{4, 999_500, 8.610},
		{1_000_000, 950_000, 1.653},
	} {
		var s students
		s.at(c.ppm)
		if got := s.quantile(c.freedom); math.Abs(got-c.want) > 0.0006*max(1, c.want) {
			t.Errorf("t of %d degrees at %d ppm is %.4f, want %.3f", c.freedom, c.ppm, got, c.want)
		}
	}
}

func TestNormalQuantiles(t *testing.T) {
	for ppm, want := range map[int]float64{500_000: 0, 900_000: 1.28155, 950_000: 1.64485, 990_000: 2.32635, 999_900: 3.71902} {
		if got := normal(ppm); math.Abs(got-want) > 1e-5 {
			t.Errorf("normal quantile at %d ppm is %.5f, want %.5f", ppm, got, want)
		}
	}
}
