package evaluate

import "math"

// student95 returns the 95 % quantile of Student's t: exact for one and two degrees of freedom, beyond them by the
// expansion around the normal quantile (Abramowitz and Stegun, 26.7.5), which is within 0.3 % from three on.
func student95(freedom int64) float64 {
	switch freedom {
	case 1:
		return math.Tan(0.45 * math.Pi)
	case 2:
		return 0.9 * math.Sqrt(2/(4*0.95*0.05))
	}
	const z = normal95
	n := float64(freedom)
	g1 := (z*z*z + z) / 4
	g2 := (5*math.Pow(z, 5) + 16*z*z*z + 3*z) / 96
	g3 := (3*math.Pow(z, 7) + 19*math.Pow(z, 5) + 17*z*z*z - 15*z) / 384
	g4 := (79*math.Pow(z, 9) + 776*math.Pow(z, 7) + 1482*math.Pow(z, 5) - 1920*z*z*z - 945*z) / 92160
	return z + g1/n + g2/(n*n) + g3/(n*n*n) + g4/(n*n*n*n)
}
