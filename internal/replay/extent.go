package replay

import (
	"context"
	"fmt"

	"detour/internal/dataflow"
	"detour/schemas"
)

// extent is what a partition held when a verification began: offsets [start, end).
type extent struct{ start, end int64 }

// span is where a whole stands in its partition: it is complete in the last record of [from, to), and its chunks are
// among these.
type span struct{ from, to int64 }

// source is a log as it was at one moment, although it may grow meanwhile.
type source struct {
	log     dataflow.Log
	extents map[schemas.Partition]extent
}

// freeze notes how far each of n input partitions goes. What was made is looked at before what it was made of, so that the
// input of everything within bounds is within bounds.
func freeze(ctx context.Context, log dataflow.Log, n int) (*source, error) {
	s := &source{log: log, extents: make(map[schemas.Partition]extent)}
	all := []schemas.Partition{mapsPartition, decisionsPartition}
	all = append(all, partitions(schemas.Windows, n)...)
	all = append(all, partitions(schemas.Samples, n)...)
	for _, p := range append(all, controlPartition) {
		start, end, err := log.Bounds(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("bounds of %s: %w", p, err)
		}
		s.extents[p] = extent{start, end}
	}
	return s, nil
}

var (
	mapsPartition      = schemas.Partition{Topic: schemas.Maps}
	decisionsPartition = schemas.Partition{Topic: schemas.Decisions}
	controlPartition   = schemas.Partition{Topic: schemas.Control}
)

func partitions(t schemas.Topic, n int) (all []schemas.Partition) {
	for i := range n {
		all = append(all, schemas.Partition{Topic: t, Number: int32(i)})
	}
	return all
}

// start returns the first offset that p held.
func (s *source) start(p schemas.Partition) int64 { return s.extents[p].start }

// fetch reads p from offset on, never beyond its bound or the limit.
func (s *source) fetch(ctx context.Context, p schemas.Partition, offset, limit int64) (dataflow.Fetched, error) {
	end := min(limit, s.extents[p].end)
	if offset >= end {
		return dataflow.Fetched{Next: offset}, nil
	}
	f, err := s.log.Fetch(ctx, p, offset)
	if err != nil {
		return f, fmt.Errorf("read %s@%d: %w", p, offset, err)
	}
	for i := range f.Records {
		if f.Records[i].Offset >= end {
			f.Records = f.Records[:i]
			break
		}
	}
	f.Next = min(f.Next, end)
	return f, ctx.Err()
}

// scan calls each with every record of p in [from, to), in order, until it returns false.
func (s *source) scan(ctx context.Context, p schemas.Partition, from, to int64, each func(*schemas.Record) (more bool, err error)) error {
	to = min(to, s.extents[p].end)
	for from < to {
		f, err := s.fetch(ctx, p, from, to)
		if err != nil {
			return err
		}
		for i := range f.Records {
			if more, err := each(&f.Records[i]); err != nil || !more {
				return err
			}
		}
		from = f.Next
	}
	return nil
}
