package decide

import (
	"math/bits"

	"detour/schemas/control"
)

// dearest is log2 of the highest price of harm, in µs for a user who is harmed for certain: at 2 seconds for a millionth of
// that, nobody is harmed for any gain.
const dearest = 41

// price returns the lowest price of harm at which what is demanded is within the budget, to a thousandth: demand falls as
// the price rises, so it is found by halving an interval, first of its binary digits and then of the ten leading ones.
func (a *allocation) price(sum *account, room *room, list []proposal) int64 {
	if a.budget == all {
		return 0
	}
	bids := a.bids(list)
	dear := func(price int64) bool { return !a.demand(sum, room, bids, price).above(room.newHarm) }
	if dear(0) {
		return 0
	}
	low, high := 0, dearest // at 2^low it may be too cheap, at 2^high it is dear enough
	for low < high {
		middle := (low + high) / 2
		if dear(1 << middle) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	price := int64(1) << high
	for step := price >> 2; step > 0 && step >= price>>10; step >>= 1 {
		if dear(price - step) {
			price -= step
		}
	}
	return price
}

// bid is what demand looks at of a proposal, close together in memory.
type bid struct {
	gain         int64 // µs/million
	weight, harm uint32
	path         uint8
}

func (a *allocation) bids(list []proposal) []bid {
	bids := make([]bid, 0, len(list))
	for i := range list {
		if p := &list[i]; !p.rescue {
			bids = append(bids, bid{gain: a.worth(p, 0), weight: p.weight, harm: p.first.harm, path: p.first.path})
		}
	}
	return bids
}

// Worths are told apart to a sixteenth of an octave where they compete for a path with a ceiling.
const (
	worthBits = 4
	worths    = 64 << worthBits
)

func worthBin(worth int64) int {
	octave := bits.Len64(uint64(worth))
	return octave<<worthBits | int(uint64(worth)<<(64-octave)<<1>>(64-worthBits))
}

// demand returns how much harm there is at a price if everybody gets a path for whom it is worth something, those first
// for whom it is worth most. At a ceiling a part of a bin of worths is taken.
func (a *allocation) demand(sum *account, room *room, bids []bid, price int64) wide {
	type load struct {
		weight uint64
		harm   wide
	}
	harm := sum.harm
	var competing [control.MaxPaths]*[worths]load
	for i := range bids {
		b := &bids[i]
		worth := b.gain - price*int64(b.harm)
		if worth <= 0 {
			continue
		}
		harms := uint64(b.weight) * uint64(b.harm)
		if a.ceilings[b.path] == all {
			harm.add(harms)
			continue
		}
		bins := competing[b.path]
		if bins == nil {
			bins = new([worths]load)
			competing[b.path] = bins
		}
		bin := &bins[worthBin(worth)]
		bin.weight += uint64(b.weight)
		bin.harm.add(harms)
	}
	for path, bins := range competing {
		if bins == nil {
			continue
		}
		left := room.newcomers[path] - min(sum.on[path], room.newcomers[path])
		for i := worths - 1; i >= 0 && left > 0; i-- {
			b := &bins[i]
			if b.weight > left {
				harm = harm.plus(b.harm.part(left, b.weight))
				break
			}
			harm = harm.plus(b.harm)
			left -= b.weight
		}
	}
	return harm
}

// part returns w*n/of, for n < of, rounded down but for a unit of each half.
func (w wide) part(n, of uint64) (p wide) {
	upper, rest := bits.Mul64(w.high, n)
	high, remainder := bits.Div64(upper, rest, of)
	upper, rest = bits.Mul64(w.low, n)
	low, _ := bits.Div64(upper, rest, of)
	p = wide{high, low}
	carried, _ := bits.Div64(remainder, 0, of)
	p.add(carried)
	return p
}
