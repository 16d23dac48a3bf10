package replay

import (
	"cmp"
	"slices"

	"detour/schemas"
	"detour/schemas/chunk"
)

// numbered is a whole that the log holds: a tick or a version.
type numbered interface {
	link() chunk.Link
	place() span
}

// kept is the chain of wholes that the readers of a partition keep, those that lost a race left out.
type kept[T numbered] struct {
	chain chunk.Chain
	all   []T
}

// offer takes the next complete whole of the log, and tells whether it is kept.
func (k *kept[T]) offer(w T) bool {
	switch k.chain.Offer(w.link()) {
	case chunk.Restart:
		if !k.chain.Sure() { // nothing ever extended what was kept: it may be the loser of a race
			k.all = k.all[:0]
		}
	case chunk.Stray:
		return false
	case chunk.Next:
	}
	k.all = append(k.all, w)
	return true
}

// find returns the whole of a number, nil if it is not kept.
func (k *kept[T]) find(number int64) *T {
	i, found := slices.BinarySearchFunc(k.all, number, func(w T, n int64) int { return cmp.Compare(w.link().Number, n) })
	if !found {
		return nil
	}
	return &k.all[i]
}

// missing reports whether the whole of a number should be there: some before and some after it are.
func (k *kept[T]) missing(number int64) bool {
	n := len(k.all)
	return n > 0 && k.all[0].link().Number < number && number < k.all[n-1].link().Number && k.find(number) == nil
}

// last returns the number of the last one, 0 if there is none.
func (k *kept[T]) last() int64 {
	if len(k.all) == 0 {
		return 0
	}
	return k.all[len(k.all)-1].link().Number
}

// gap returns where in partition p a whole that is missing should be.
func (k *kept[T]) gap(p schemas.Partition, number int64) stretch {
	i, _ := slices.BinarySearchFunc(k.all, number, func(w T, n int64) int { return cmp.Compare(w.link().Number, n) })
	return stretch{p, span{k.all[i-1].place().to, k.all[i].place().to}}
}
