package tail

import (
	"context"
	"errors"
	"fmt"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/pathmap"
)

// ErrNotHeld says that the log holds no version with a number.
var ErrNotHeld = errors.New("the log does not hold it")

// Find returns the version with a number as every reader keeps it. Versions only go up along the log, but for losers of
// races, so that it reads as many pieces of the log as its length has binary digits, and not all of it.
func Find(ctx context.Context, log dataflow.Log, number int64) (*pathmap.Publication, error) {
	p := schemas.Partition{Topic: schemas.Maps}
	start, end, err := log.Bounds(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("bounds of %s: %w", p, err)
	}
	// Two versions before it: enough to know the loser of a race for the place before.
	from, err := before(ctx, log, p, start, end, number-2)
	if err != nil {
		return nil, err
	}
	return keep(ctx, log, p, from, end, number)
}

// before returns an offset at or before the first chunk of a version, not far from it.
func before(ctx context.Context, log dataflow.Log, p schemas.Partition, start, end, number int64) (int64, error) {
	low, high := start, end // no manifest before low is of the version or later; the first one from high on is
	for high-low > 1 {
		middle := low + (high-low)/2
		m, err := manifest(ctx, log, p, middle, high)
		if err != nil {
			return 0, err
		}
		if m == nil || m.Version >= number {
			high = middle
		} else {
			low = middle
		}
	}
	return low, nil
}

// manifest returns the first manifest in [from, to), nil if there is none.
func manifest(ctx context.Context, log dataflow.Log, p schemas.Partition, from, to int64) (found *pathmap.Manifest, err error) {
	err = each(ctx, log, p, from, to, func(r *schemas.Record) bool {
		if m, err := pathmap.ManifestOf(r); err == nil && m != nil {
			found = m
		}
		return found == nil
	})
	return found, err
}

// keep follows the partition from an offset until it is sure of the version.
func keep(ctx context.Context, log dataflow.Log, p schemas.Partition, from, end, number int64) (found *pathmap.Publication, err error) {
	chain := new(pathmap.Chain)
	if from > 0 {
		chain = pathmap.ChainFromTheMiddle()
	}
	err = each(ctx, log, p, from, end, func(r *schemas.Record) bool {
		v, err := chain.Add(r)
		if err != nil || v == nil {
			return true
		}
		if v.Manifest.Version == number {
			found = v
		}
		return v.Manifest.Version < number || !chain.Sure()
	})
	if err == nil && found == nil {
		err = fmt.Errorf("version %d: %w", number, ErrNotHeld)
	}
	return found, err
}

// each calls take with the records of p in [from, to) until it returns false.
func each(ctx context.Context, log dataflow.Log, p schemas.Partition, from, to int64, take func(*schemas.Record) bool) error {
	for from < to {
		f, err := log.Fetch(ctx, p, from)
		if err != nil {
			return fmt.Errorf("read %s@%d: %w", p, from, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range f.Records {
			if r := &f.Records[i]; r.Offset < to && !take(r) {
				return nil
			}
		}
		from = f.Next
	}
	return nil
}
