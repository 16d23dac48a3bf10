// Package chunk puts together what was too large for one record: a pane, a tick, a map version.
//
// A whole is written as chunks 0..n-1, in order, into one partition. A writer that starts over uses another attempt.
// Readers take the first attempt that is complete, so half a whole is never visible, and what a superseded writer
// repeats later changes nothing.
package chunk

import "fmt"

// MaxChunks bounds what one whole may claim, MaxAttempts how many unfinished attempts a reader keeps.
const (
	MaxChunks   = 1 << 16
	MaxAttempts = 16
)

// Place is where a chunk belongs.
type Place struct {
	Whole   int64 `json:"whole"`   // which whole: a pane's start, a version; they only go up in a partition
	Attempt int64 `json:"attempt"` // which writing of it: the end of the partition when its writer took over
	Index   int   `json:"index"`   // 0..Count-1
	Count   int   `json:"count"`
}

// Check reports a place that cannot be.
func (p Place) Check() error {
	if p.Count < 1 || p.Count > MaxChunks || p.Index < 0 || p.Index >= p.Count {
		return fmt.Errorf("chunk %d of %d", p.Index, p.Count)
	}
	return nil
}

// attempt is one writing of one whole; chunks that disagree about the count are never put together.
type attempt struct {
	whole, attempt int64
	count          int
}

// Assembler collects the chunks of one partition.
type Assembler[T any] struct {
	open  map[attempt][]T
	order []attempt // oldest first
	last  int64     // last whole handed out
	begun bool
}

// Add takes the next chunk in log order. It returns a whole's chunks in order when this chunk completes its first
// complete attempt, and otherwise nil. Chunks of wholes at or below the last one returned are dropped.
func (a *Assembler[T]) Add(p Place, chunk T) []T {
	have := a.Offer(p, chunk)
	if have != nil {
		a.finish(p.Whole)
	}
	return have
}

// Offer is Add for wholes that a reader may still refuse, because they do not extend the one that it kept: it returns
// every attempt that is complete. The reader says which one it keeps by Skip.
func (a *Assembler[T]) Offer(p Place, chunk T) []T {
	if p.Check() != nil || a.begun && p.Whole <= a.last {
		return nil
	}
	key := attempt{p.Whole, p.Attempt, p.Count}
	have := a.open[key]
	if p.Index != len(have) { // a repeat, or the middle of what this reader saw no beginning of
		return nil
	}
	if have == nil {
		a.begin(key)
	}
	have = append(have, chunk)
	a.open[key] = have
	if len(have) < p.Count {
		return nil
	}
	a.drop(func(k attempt) bool { return k == key })
	return have
}

// Skip declares every whole up to and including last as known: a reader that resumes says what it has.
// What is known stays known.
func (a *Assembler[T]) Skip(last int64) {
	if !a.begun || last > a.last {
		a.finish(last)
	}
}

func (a *Assembler[T]) begin(key attempt) {
	if a.open == nil {
		a.open = make(map[attempt][]T)
	}
	if len(a.order) == MaxAttempts {
		delete(a.open, a.order[0])
		a.order = a.order[1:]
	}
	a.order = append(a.order, key)
}

func (a *Assembler[T]) finish(whole int64) {
	a.last, a.begun = whole, true
	a.drop(func(k attempt) bool { return k.whole <= whole })
}

func (a *Assembler[T]) drop(done func(attempt) bool) {
	kept := a.order[:0]
	for _, key := range a.order {
		if done(key) {
			delete(a.open, key)
		} else {
			kept = append(kept, key)
		}
	}
	a.order = kept
}
