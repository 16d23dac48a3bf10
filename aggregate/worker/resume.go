package worker

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"detour/aggregate"
	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/window"
)

// Resume returns the machine of a samples partition as the log leaves it. Samples that retention took before they were
// read are a hole in the panes, and the logger says which.
func (w *Worker) Resume(ctx context.Context, partition int32) (*aggregate.Machine, error) {
	start, err := w.start(ctx, schemas.Partition{Topic: schemas.Windows, Number: partition})
	if err != nil {
		return nil, err
	}
	start.ChunkBytes = w.ChunkBytes
	input := schemas.Partition{Topic: schemas.Samples, Number: partition}
	first, end, err := w.Log.Bounds(ctx, input)
	if err != nil {
		return nil, fmt.Errorf("bounds of %s: %w", input, err)
	}
	from := start.Resume.Offset
	if from > end {
		return nil, dataflow.Fatal{Err: fmt.Errorf("%s ends at %d, its last seal had read to %d: it was recreated", input, end, from)}
	}
	if from < first {
		w.Logger.Error().Stringer("partition", input).Int64("from", from).Int64("to", first).Int64("lost", first-from).
			Msg("samples are lost: retention removed them before they were in a sealed pane")
		dataflow.Lost(w.Log, input, first-from)
		start.First = first
	}
	return aggregate.New(w.Genesis, partition, start), nil
}

// Resume is Worker.Resume without a worker.
func Resume(ctx context.Context, log dataflow.Log, g *control.Genesis, partition int32, logger zerolog.Logger) (*aggregate.Machine, error) {
	w := Worker{Genesis: g, Log: log, Logger: logger}
	return w.Resume(ctx, partition)
}

// start returns where the output's last seal says to go on.
func (w *Worker) start(ctx context.Context, output schemas.Partition) (aggregate.Start, error) {
	last, end, whole, err := LastPane(ctx, w.Log, output)
	switch {
	case err != nil:
		return aggregate.Start{}, err
	case last != nil:
		return aggregate.FromSeal(&last.Seal, end), nil
	case !whole: // panes that were sealed once would be sealed again, with what is left of their rows
		return aggregate.Start{}, dataflow.Fatal{Err: fmt.Errorf("%s holds no seal although it does not begin at offset 0: "+
			"retention removed the state to resume from, and what it held can't be made again. "+
			"Begin a new log, with another topic prefix, and keep windows for longer than aggregate is ever stopped", output)}
	}
	return aggregate.FromScratch(0, end), nil
}

// LastPane returns the last complete pane of a windows partition, nil if there is none, and the end of the partition;
// whole tells that it holds its beginning, or that there is a pane.
func LastPane(ctx context.Context, log dataflow.Log, p schemas.Partition) (last *window.Pane, end int64, whole bool, err error) {
	end, whole, err = dataflow.Tail(ctx, log, p, func(records []schemas.Record) (bool, error) {
		if all := panes(records); len(all) > 0 {
			last = all[len(all)-1]
		}
		return last != nil, nil
	})
	return last, end, whole || last != nil, err
}

// panes returns the complete panes among records. What does not decode was never accepted by any reader, so it is passed
// over here too.
func panes(records []schemas.Record) (complete []*window.Pane) {
	var parts window.Assembler
	for i := range records {
		batch, err := window.Decode(records[i].Value)
		if err != nil {
			continue
		}
		if pane, err := parts.Add(batch); err == nil && pane != nil {
			complete = append(complete, pane)
		}
	}
	return complete
}
