package dataflow

import (
	"context"
	"fmt"

	"detour/schemas"
)

// firstTail is how many records Tail looks at first; each further try looks at tailGrowth times as many.
const (
	firstTail  = 64
	tailGrowth = 8
)

// Tail reads the end of a partition: its last records, in order, more of them each time until enough says that what it
// needs is among them, or the partition holds no more. Calls of enough start over from an earlier record. It returns the
// offset behind the last record read; whole tells that the records reach back to offset 0.
func Tail(ctx context.Context, log Log, p schemas.Partition, enough func([]schemas.Record) (bool, error)) (end int64, whole bool, err error) {
	start, end, err := log.Bounds(ctx, p)
	if err != nil {
		return 0, false, fmt.Errorf("bounds of %s: %w", p, err)
	}
	for n := int64(firstTail); ; n *= tailGrowth {
		from := max(start, end-n)
		records, err := Range(ctx, log, p, from, end)
		if err != nil {
			return 0, false, err
		}
		if ok, err := enough(records); ok || err != nil || from == start {
			return end, from == 0, err
		}
	}
}

// Range reads the records of p in [from, to). It returns early if ctx ends.
func Range(ctx context.Context, log Log, p schemas.Partition, from, to int64) ([]schemas.Record, error) {
	var records []schemas.Record
	for from < to {
		f, err := log.Fetch(ctx, p, from)
		if err != nil {
			return nil, fmt.Errorf("read %s@%d: %w", p, from, err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, r := range f.Records {
			if r.Offset < to {
				records = append(records, r)
			}
		}
		from = f.Next
	}
	return records, nil
}
