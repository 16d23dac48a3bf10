// Package worker is aggregate's shell: it runs one aggregate machine for every samples partition that the consumer group
// assigns to this process, resumed from the last seal of the windows partition of the same number.
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

// Worker aggregates the samples partitions that it is assigned.
type Worker struct {
	Genesis *control.Genesis
	Group   string // consumer group
	Log     dataflow.Log
	Members dataflow.Group
	Logger  zerolog.Logger
}

// Run aggregates until ctx ends.
func (w *Worker) Run(ctx context.Context) error {
	return w.Members.Run(ctx, w.Group, schemas.Samples, w.work)
}

// work aggregates one partition for as long as it is assigned.
func (w *Worker) work(ctx context.Context, a dataflow.Assignment) error {
	machine, err := Resume(ctx, w.Log, w.Genesis, a.Partition.Number, w.Logger)
	if err != nil {
		return fmt.Errorf("resume %s: %w", a.Partition, err)
	}
	w.Logger.Info().Stringer("partition", a.Partition).Int64("offset", machine.Next().Offset).Msg("aggregating")
	committed := int64(-1)
	commit := func(ctx context.Context) error { // for those who watch the lag: resuming goes by the last seal
		if next := machine.Checkpoint(); next > committed {
			committed = next
			return a.Commit(ctx, next, "")
		}
		return nil
	}
	runner := dataflow.Runner{Log: w.Log, Machine: machine, Applied: commit}
	return runner.Run(ctx)
}

// Resume returns the machine of a samples partition as the log leaves it. Samples that retention took before they were
// read are a hole in the panes, and the logger says which.
func Resume(ctx context.Context, log dataflow.Log, g *control.Genesis, partition int32, logger zerolog.Logger) (*aggregate.Machine, error) {
	var last *window.Pane
	output := schemas.Partition{Topic: schemas.Windows, Number: partition}
	end, whole, err := dataflow.Tail(ctx, log, output, func(records []schemas.Record) (bool, error) {
		last = lastPane(records)
		return last != nil, nil
	})
	if err != nil {
		return nil, err
	}
	if last == nil && !whole {
		return nil, dataflow.Fatal{Err: fmt.Errorf("%s holds no seal although it does not begin at offset 0: "+
			"retention removed the state to resume from", output)}
	}
	input := schemas.Partition{Topic: schemas.Samples, Number: partition}
	first, stop, err := log.Bounds(ctx, input)
	if err != nil {
		return nil, err
	}
	if last == nil {
		return aggregate.New(g, partition, aggregate.FromScratch(first, end)), nil
	}
	start := aggregate.FromSeal(&last.Seal, end)
	switch from := start.Resume.Offset; {
	case from > stop:
		return nil, dataflow.Fatal{Err: fmt.Errorf("%s ends at %d, its last seal had read to %d: it was recreated", input, stop, from)}
	case from < first:
		logger.Error().Stringer("partition", input).Int64("from", from).Int64("to", first).
			Msg("samples are lost: retention removed them before they were read")
		start.Resume.Offset = first
	}
	return aggregate.New(g, partition, start), nil
}

// lastPane returns the last complete pane among records, nil if there is none. What does not decode was never accepted
// by any reader, so it is passed over here too.
func lastPane(records []schemas.Record) (last *window.Pane) {
	var panes window.Assembler
	for i := range records {
		batch, err := window.Decode(records[i].Value)
		if err != nil {
			continue
		}
		if pane, err := panes.Add(batch); err == nil && pane != nil {
			last = pane
		}
	}
	return last
}
