// Package dataflow runs machines over a log: read, apply, append, commit. It is the one shell that all stages share;
// what differs between stages is their machine, where it resumes, and the hooks of Runner.
package dataflow

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"detour/schemas"
)

// maxBatch is how many bytes of records go into one append: below the broker's default limit of 1 MiB for a batch.
// A single larger record goes alone.
const maxBatch = 900 << 10

// framing is more than a record costs in a batch beside its key, value and headers: lengths, offset and time as varints.
const framing = 32

// Runner drives one machine. Its hooks may be nil.
type Runner struct {
	Log     Log
	Machine schemas.Machine
	// Applied is called when all that the last records caused, or that there were none, is in the log: what was read up to
	// here may be committed.
	Applied func(context.Context) error
	// Idle is called when the machine waits at the end of p and nothing came.
	Idle func(ctx context.Context, p schemas.Partition) error
}

// Run returns nil when ctx ends. What an interrupted round had appended by then, the next owner's resume accounts for.
func (r *Runner) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := r.step(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	return nil
}

// step is one round: read, apply, append.
func (r *Runner) step(ctx context.Context) error {
	in := r.Machine.Next()
	f, err := r.read(ctx, in)
	if err != nil || ctx.Err() != nil {
		return err
	}
	out, err := r.Machine.Apply(f.Records, f.Next)
	if err != nil {
		return applyError(in, err)
	}
	if err := appendAll(ctx, r.Log, out); err != nil {
		return err
	}
	if f.Next > in.Offset || !in.Wait {
		return call(ctx, r.Applied)
	}
	if r.Idle != nil {
		return r.Idle(ctx, in.Partition)
	}
	return nil
}

// applyError says where a machine gave up. Only a machine that was superseded can be made anew.
func applyError(in schemas.Input, err error) error {
	err = fmt.Errorf("apply %s@%d: %w", in.Partition, in.Offset, err)
	if errors.Is(err, schemas.ErrSuperseded) {
		return err
	}
	return Fatal{err}
}

func (r *Runner) read(ctx context.Context, in schemas.Input) (Fetched, error) {
	if !in.Wait {
		_, end, err := r.Log.Bounds(ctx, in.Partition)
		if err != nil || end <= in.Offset {
			return Fetched{Next: in.Offset}, err
		}
	}
	f, err := r.Log.Fetch(ctx, in.Partition, in.Offset)
	if errors.Is(err, ErrOutOfRange) {
		return f, fmt.Errorf("read %s@%d: the log holds [%d, %d): %w", in.Partition, in.Offset, f.Start, f.End, err)
	}
	return f, err
}

func call(ctx context.Context, hook func(context.Context) error) error {
	if hook == nil {
		return nil
	}
	return hook(ctx)
}

// appendAll appends records in their order within each partition, one append in flight a partition, partitions side by
// side. It returns when all are acknowledged.
func appendAll(ctx context.Context, log Log, records []schemas.Record) error {
	byPartition := make(map[schemas.Partition][]schemas.Record)
	for _, r := range records {
		byPartition[r.Partition] = append(byPartition[r.Partition], r)
	}
	g, ctx := errgroup.WithContext(ctx)
	for p, records := range byPartition {
		g.Go(func() error {
			for len(records) > 0 {
				n := fitting(records)
				if _, err := log.Append(ctx, p, records[:n]); err != nil {
					return fmt.Errorf("append to %s: %w", p, err)
				}
				records = records[n:]
			}
			return nil
		})
	}
	return g.Wait()
}

// fitting returns how many of the records go into one append: at least one.
func fitting(records []schemas.Record) int {
	size := 0
	for i, r := range records {
		size += framing + len(r.Key) + len(r.Value)
		for _, h := range r.Headers {
			size += len(h.Key) + len(h.Value)
		}
		if size > maxBatch && i > 0 {
			return i
		}
	}
	return len(records)
}
