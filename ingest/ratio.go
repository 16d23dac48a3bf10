package ingest

import (
	"math"
	"math/bits"

	"detour/schemas/sample"
)

// log2Bits is the precision of log2: 16 fractional bits.
const log2Bits = 16

// log2 returns log2(x) in 1/65,536, rounded down, for x > 0. One bit an iteration by repeated squaring, integers only
// (Knuth, TAOCP 1, 1.2.2, exercise 25), so that every processor agrees.
func log2(x uint32) int32 {
	whole := bits.Len32(x) - 1
	y := uint64(x) << (31 - whole) // in [1, 2) as Q31
	result := int32(whole) << log2Bits
	for bit := int32(1) << (log2Bits - 1); bit > 0; bit >>= 1 {
		if y = y * y >> 31; y >= 1<<32 {
			y >>= 1
			result |= bit
		}
	}
	return result
}

// Ratio returns log2(a / b) in 1/sample.RatioOne octaves, to the nearest, for a, b > 0.
func Ratio(a, b uint32) int16 {
	const unit = 1 << log2Bits / sample.RatioOne
	r := (log2(a) - log2(b) + unit/2) >> (bits.Len(unit) - 1)
	return int16(min(max(r, math.MinInt16), math.MaxInt16))
}
