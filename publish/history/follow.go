package history

import (
	"context"
	"errors"
	"fmt"

	"detour/internal/dataflow"
	"detour/schemas"
)

// sink puts the wholes of one partition together and stores them. It is used by one goroutine.
type sink interface {
	// resume asks ClickHouse what it holds of the partition; wholes up to that are not stored again. It returns whether it
	// holds any.
	resume(ctx context.Context) (any bool, err error)
	// take takes the next record. It returns how to store what belongs to the wholes that the record completes, or nil. An
	// error says what is wrong with the record.
	take(r *schemas.Record) (store func(context.Context) error, err error)
	// flush seals every whole whose parts are stored.
	flush(ctx context.Context) error
}

// follow reads a partition into a sink until ctx ends. It commits the offset behind the last record of the last whole
// that is stored: a writer begins no whole before the one before is complete, so everything that is not stored can be
// read again from there.
func (h *History) follow(ctx context.Context, a dataflow.Assignment, s sink) error {
	err := h.followFrom(ctx, a, s)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (h *History) followFrom(ctx context.Context, a dataflow.Assignment, s sink) error {
	known, err := s.resume(ctx)
	if err != nil {
		return err
	}
	offset, err := h.begin(ctx, a, known)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		f, err := h.deps.Log.Fetch(ctx, a.Partition, offset)
		if errors.Is(err, dataflow.ErrOutOfRange) {
			offset, err = h.overrun(a.Partition, offset, f)
			if err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("read %s@%d: %w", a.Partition, offset, err)
		}
		stored, err := h.take(ctx, s, f.Records)
		if err != nil {
			return err
		}
		offset = f.Next
		h.progress.reached(a.Partition, offset)
		if stored > 0 {
			if err := a.Commit(ctx, stored, ""); err != nil {
				return fmt.Errorf("commit %s@%d: %w", a.Partition, stored, err)
			}
		}
	}
	return nil
}

// take stores what records complete, and returns the offset behind the last that completed something; 0 for none.
func (h *History) take(ctx context.Context, s sink, records []schemas.Record) (stored int64, err error) {
	for i := range records {
		r := &records[i]
		store, err := s.take(r)
		if err == nil && store != nil {
			err = store(ctx)
			stored = r.Offset + 1
			if !errors.As(err, new(unstorable)) && err != nil {
				return 0, err
			}
		}
		if err != nil {
			h.progress.skipped(errors.As(err, new(foreign)))
			h.log.Error().Err(err).Str("at", r.At()).Msg("record skipped")
		}
	}
	return stored, s.flush(ctx)
}

// begin returns where to read from: where the group is, or the log's start where nothing was ever committed or ClickHouse
// holds nothing, as a new database does.
func (h *History) begin(ctx context.Context, a dataflow.Assignment, known bool) (int64, error) {
	if a.Offset >= 0 && known {
		return a.Offset, nil
	}
	start, _, err := h.deps.Log.Bounds(ctx, a.Partition)
	if err != nil {
		return 0, fmt.Errorf("bounds of %s: %w", a.Partition, err)
	}
	if start > 0 {
		h.log.Warn().Stringer("partition", a.Partition).Int64("from", start).Msg("history begins in the middle: the log holds nothing older")
	}
	return start, nil
}

// overrun returns where to go on when the log no longer holds offset. What retention took is lost to history, not to the
// pipeline: it is named and counted, and history goes on.
func (h *History) overrun(p schemas.Partition, offset int64, f dataflow.Fetched) (int64, error) {
	if offset > f.End {
		return 0, dataflow.Fatal{Err: fmt.Errorf("%s ends at %d, history had read it up to %d: it is another log", p, f.End, offset)}
	}
	h.progress.lost(f.Start - offset)
	dataflow.Lost(h.deps.Log, p, f.Start-offset)
	h.log.Error().Stringer("partition", p).Int64("from", offset).Int64("to", f.Start).Int64("lost", f.Start-offset).
		Msg("records lost: retention was faster than history")
	return f.Start, nil
}
