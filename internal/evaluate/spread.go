package evaluate

import (
	"cmp"
	"math"
	"slices"
)

// weighted is a value of a share of the users.
type weighted struct{ value, weight float64 }

// quantile returns the least value that at least the share q of the weight does not exceed, NaN of nothing. It reorders its
// argument.
func quantile(of []weighted, q float64) float64 {
	slices.SortFunc(of, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	var total, sum float64
	for _, v := range of {
		total += v.weight
	}
	for _, v := range of {
		if sum += v.weight; sum >= q*total*(1-1e-12) {
			return v.value
		}
	}
	return math.NaN()
}

// distribution holds weights by value, to 1 %: a regret of so many populations in so many panes is not kept one by one.
type distribution struct {
	bins  map[int]float64
	total float64
}

// perDoubling is how many bins an octave has.
const perDoubling = 64

// least is what is not told from 0, in ms.
const least = 0.001

func (d *distribution) add(value, weight float64) {
	if d.bins == nil {
		d.bins = make(map[int]float64)
	}
	bin := math.MinInt
	if value > least {
		bin = int(math.Floor(math.Log2(value) * perDoubling))
	}
	d.bins[bin] += weight
	d.total += weight
}

// quantile returns the middle of the bin that the quantile is in, NaN of nothing.
func (d *distribution) quantile(q float64) float64 {
	var list []weighted
	for bin, weight := range d.bins {
		value := 0.0
		if bin != math.MinInt {
			value = math.Exp2((float64(bin) + 0.5) / perDoubling)
		}
		list = append(list, weighted{value, weight})
	}
	return quantile(list, q)
}
