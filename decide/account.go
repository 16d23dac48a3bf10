package decide

import (
	"math/bits"

	"detour/schemas/control"
)

// entry is what one resolver counts for: its users' weight, the path that they are sent over, and the share of them that
// this is expected to harm.
type entry struct {
	path   uint8
	weight uint32 // of its evidence, in any unit that all resolvers share
	harm   uint32 // ppm; 0 on the default path, and where the default path is down
}

// account adds up entries: how many users there are, by path, and how many of them are expected to be harmed. The order
// of adding and removing leaves no trace.
type account struct {
	total uint64
	on    [control.MaxPaths]uint64
	harm  wide // weight times ppm
}

func (a *account) add(e entry) {
	a.total += uint64(e.weight)
	a.on[e.path] += uint64(e.weight)
	a.harm.add(uint64(e.weight) * uint64(e.harm))
}

func (a *account) remove(e entry) {
	a.total -= uint64(e.weight)
	a.on[e.path] -= uint64(e.weight)
	a.harm.sub(uint64(e.weight) * uint64(e.harm))
}

// move changes the path and harm of one of those counted.
func (a *account) move(from, to entry) {
	a.remove(from)
	a.add(to)
}

// wide is an unsigned integer of 128 bits: a weight times ppm summed over ten million resolvers does not fit in 64.
type wide struct{ high, low uint64 }

func (w *wide) add(n uint64) {
	var carry uint64
	w.low, carry = bits.Add64(w.low, n, 0)
	w.high += carry
}

func (w *wide) sub(n uint64) {
	var borrow uint64
	w.low, borrow = bits.Sub64(w.low, n, 0)
	w.high -= borrow
}

func (w wide) plus(v wide) (sum wide) {
	var carry uint64
	sum.low, carry = bits.Add64(w.low, v.low, 0)
	sum.high, _ = bits.Add64(w.high, v.high, carry)
	return sum
}

func (w wide) above(v wide) bool { return w.high > v.high || w.high == v.high && w.low > v.low }

// product returns the product of a and b.
func product(a, b uint64) (w wide) {
	w.high, w.low = bits.Mul64(a, b)
	return w
}

const million = 1_000_000

// share returns ppm of n, rounded down, for ppm up to a million.
func share(n uint64, ppm int) uint64 {
	high, low := bits.Mul64(n, uint64(ppm))
	q, _ := bits.Div64(high, low, million)
	return q
}
