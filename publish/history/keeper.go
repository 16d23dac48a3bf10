package history

import (
	"context"
	"fmt"

	"detour/schemas"
	"detour/schemas/chunk"
)

// keeper picks the ticks, or versions, that are stored: those that every reader of the log keeps. A whole that chunk.Chain
// is not sure of waits for the next one to extend it: it may be the loser of a race whose winner is no longer in the log.
type keeper[T any] struct {
	h       *History
	what    string // "tick" or "version", for the log
	chain   chunk.Chain
	waiting *T
	from    int64 // number of waiting
	last    int64 // number of the last one handed out
	broken  bool  // said that wholes behind a gap wait for a full one
}

// resume goes on behind what ClickHouse holds, which every reader keeps.
func (k *keeper[T]) resume(last chunk.Link) {
	k.chain, k.last = chunk.ChainFrom(last), last.Number
}

// offer takes the next complete whole in the log and returns those to store now, in order; kept is false for one that no
// reader keeps.
func (k *keeper[T]) offer(r *schemas.Record, l chunk.Link, whole T) (store []T, kept bool) {
	relation := k.chain.Offer(l)
	switch {
	case relation == chunk.Stray:
		k.stray(r, l)
		return nil, false
	case relation == chunk.Restart && !k.chain.Sure():
		k.waiting, k.from, k.broken = &whole, l.Number, false
		return nil, true
	case k.waiting != nil:
		store = append(store, *k.waiting)
	default:
		k.from = l.Number
	}
	k.gap(r)
	k.waiting, k.last = nil, l.Number
	return append(store, whole), true
}

// stray names what is not kept, unless it is a repeat of what is.
func (k *keeper[T]) stray(r *schemas.Record, l chunk.Link) {
	last := k.chain.Last()
	line := k.h.log.Warn().Str("at", r.At()).Int64(k.what, l.Number).Int64("last", last.Number)
	switch {
	case l.Number <= last.Number: // a repeat, or what came after it
	case l.Number == last.Number+1 && last.Number > 0:
		line.Msg("skipped: another writer was first")
	case !k.broken:
		k.broken = true
		line.Msg("skipped, as those that follow, up to the next snapshot: what it changes is not there")
	}
}

// gap counts and names what is missing before the first whole that is stored now.
func (k *keeper[T]) gap(r *schemas.Record) {
	if n := k.from - k.last - 1; n > 0 {
		k.h.progress.gap(n)
		k.h.log.Error().Str("at", r.At()).Int64("from", k.last+1).Int64("to", k.from).Int64("lost", n).
			Msg("a gap in the history: the log does not hold each " + k.what)
	}
	k.broken = false
}

// oneByOne stores wholes in order.
func oneByOne[T any](wholes []T, store func(context.Context, T) error) func(context.Context) error {
	if len(wholes) == 0 {
		return nil
	}
	return func(ctx context.Context) error {
		for _, w := range wholes {
			if err := store(ctx, w); err != nil {
				return err
			}
		}
		return nil
	}
}

// lastMS is the last time that a DateTime holds.
const lastMS = (1<<32 - 1) * 1000

// storable returns an error where a column of times can't take one of these, in ms.
func storable(times ...int64) error {
	for _, ms := range times {
		if ms < 0 || ms > lastMS {
			return fmt.Errorf("the time %d ms is beyond what ClickHouse stores", ms)
		}
	}
	return nil
}
