package decide

import "math/bits"

// halvings holds 2^(-1/2), 2^(-1/4), 2^(-1/8)..., each rounded up to a multiple of 2^-63. Their products are the powers of
// two between 1/2 and 1, to the bit on every processor.
var halvings = [...]uint64{
	0x5a827999fcef3243, 0x6ba27e656b4eb57b, 0x75606373ee921c98, 0x7a92be8a92436617,
	0x7d41d96db915019e, 0x7e9f06067a4360bb, 0x7f4f08ae3dc7c426, 0x7fa765aca88f6453,
	0x7fd3ab290e46d769, 0x7fe9d3a8e07bf086, 0x7ff4e9597bed93ab, 0x7ffa748dff8dc61f,
	0x7ffd3a3f50020333, 0x7ffe9d1dbc0a75aa, 0x7fff4e8e6306ed59, 0x7fffa74712c3cdfe,
	0x7fffd3a381b1fa29, 0x7fffe9d1beed018a, 0x7ffff4e8defb81d8, 0x7ffffa746f5f0130,
	0x7ffffd3a37a7d0a9, 0x7ffffe9d1bd1fc59, 0x7fffff4e8de8832e, 0x7fffffa746f422d7,
	0x7fffffd3a37a09bc, 0x7fffffe9d1bd02f2, 0x7ffffff4e8de80fe, 0x7ffffffa746f4061,
	0x7ffffffd3a37a029, 0x7ffffffe9d1bd013, 0x7fffffff4e8de809, 0x7fffffffa746f405,
}

// one is 1 in the unit of halvings.
const one = 1 << 63

// fading returns 2^(-part/whole) for 0 <= part < whole < 2^31, in 2^-63, rounded up: at most 2^-32 of it above the truth.
func fading(part, whole int64) uint64 {
	digits := uint32(uint64(part) << 32 / uint64(whole)) // of part/whole, binary
	f := uint64(one)
	for i, half := range halvings {
		if digits<<i>>31 == 1 {
			f = scaled(f, half)
		}
	}
	return f
}

// scaled returns x*f/one, rounded up.
func scaled(x, f uint64) uint64 {
	high, low := bits.Mul64(x, f)
	up := uint64(0)
	if low<<1 != 0 {
		up = 1
	}
	return high<<1 | low>>63 + up
}

// decayed returns what is left of points after panes, when half of them goes in half panes: points*2^(-panes/half),
// rounded up to a whole point.
func decayed(points uint32, panes, half int64) uint32 {
	halves := min(panes/half, 63)
	left := scaled(uint64(points), fading(panes%half, half))
	return uint32((left + 1<<halves - 1) >> halves)
}
