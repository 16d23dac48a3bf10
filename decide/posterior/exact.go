package posterior

import (
	"math"
	"sort"
)

// Powers of two by a table and straight lines between: package math's functions may differ in the last bit from one
// processor to another, and a decision must not. Both are within 1e-7 of the truth, relative and absolute.

const steps = 1024 // of an octave

// powers holds 2^(i/steps) for i = 0..steps, from square roots and products alone, which IEEE 754 defines to the bit.
var powers = func() (t [steps + 1]float64) {
	for i := range t {
		t[i] = 1
	}
	root := 2.0
	for bit := steps / 2; bit > 0; bit /= 2 {
		root = math.Sqrt(root)
		for i := range steps {
			if i&bit != 0 {
				t[i] = float64(t[i] * root)
			}
		}
	}
	t[steps] = 2
	return t
}()

// Exp2 returns 2^x for |x| < 1000.
func Exp2(x float64) float64 {
	whole := math.Floor(x)
	at := float64((x - whole) * steps)
	i := int(at)
	if i == steps { // x - whole rounded up to 1
		i--
	}
	part := at - float64(i)
	y := powers[i] + float64((powers[i+1]-powers[i])*part)
	return float64(y * math.Float64frombits(uint64(1023+int(whole))<<52))
}

// Log2 returns the base-2 logarithm of a positive, normal x: the inverse of Exp2.
func Log2(x float64) float64 {
	bits := math.Float64bits(x)
	whole := int(bits>>52) - 1023
	y := math.Float64frombits(bits&(1<<52-1) | 1023<<52) // in [1, 2)
	i := sort.Search(steps, func(i int) bool { return powers[i+1] > y })
	part := (y - powers[i]) / (powers[i+1] - powers[i])
	return float64(whole) + (float64(i)+part)/steps
}
