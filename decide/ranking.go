package decide

import (
	"cmp"
	"math/bits"
	"slices"
)

// worth returns what a proposal's first choice is worth for each of its users, in µs/million, at a price of harm in µs.
func (a *allocation) worth(p *proposal, price int64) int64 {
	gain := int64(p.first.gain) * million
	if p.current == p.first.path && gain > 0 {
		gain += int64(p.first.gain) * a.margin
	}
	return gain - price*int64(p.first.harm)
}

// topWorth bounds the worths that are told apart: a gain of 2^31 µs, with its margin, is below.
const topWorth = 1 << 52

// ranked returns the indices of the proposals that are no rescues, those first that are worth most at a price of harm, and
// of equals the lower address. Worths count as equal within 0.01 µs in ten million proposals, so that a rank and an
// address's place fit in one number, and numbers are sorted fast.
func (a *allocation) ranked(list []proposal, price int64) []int32 {
	places := byAddress(list)
	width := bits.Len(uint(len(list)))
	drop := max(0, bits.Len64(2*topWorth)+width-64)
	keys := make([]uint64, 0, len(list))
	for place, i := range places {
		if p := &list[i]; !p.rescue {
			lack := uint64(topWorth - min(max(a.worth(p, price), -topWorth), topWorth))
			keys = append(keys, lack>>drop<<width|uint64(place))
		}
	}
	slices.Sort(keys)
	order := make([]int32, len(keys))
	for i, key := range keys {
		order[i] = places[key&(1<<width-1)]
	}
	return order
}

// byAddress returns the indices of proposals in the order of their addresses; mostly they have it already.
func byAddress(list []proposal) []int32 {
	places := make([]int32, len(list))
	for i := range places {
		places[i] = int32(i)
	}
	order := func(i, j int32) int {
		p, q := &list[i], &list[j]
		return cmp.Or(p.resolver.Compare(q.resolver), cmp.Compare(p.bits, q.bits))
	}
	if !slices.IsSortedFunc(places, order) {
		slices.SortFunc(places, order)
	}
	return places
}
