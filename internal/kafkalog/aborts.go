package kafkalog

import (
	"cmp"
	"slices"
)

// aborted is a transaction whose records don't count.
type aborted struct{ producer, first int64 }

// aborts tells which batches of an answer don't count, given in their order.
type aborts struct {
	pending []aborted // not reached yet, first one first
	open    map[int64]bool
}

func newAborts(all []aborted) aborts {
	slices.SortFunc(all, func(a, b aborted) int { return cmp.Compare(a.first, b.first) })
	return aborts{pending: all, open: make(map[int64]bool)}
}

// skip reports whether b holds no records that count: a marker, or part of a transaction that was aborted. A producer
// has one transaction at a time, which its marker ends.
func (a *aborts) skip(b *batch) bool {
	for len(a.pending) > 0 && a.pending[0].first < b.to {
		a.open[a.pending[0].producer] = true
		a.pending = a.pending[1:]
	}
	if b.attributes&control != 0 {
		delete(a.open, b.producer)
		return true
	}
	return b.attributes&transactional != 0 && a.open[b.producer]
}
