// Package worker is aggregate's shell: it runs one aggregate machine for every samples partition that the consumer group
// assigns to this process, resumed from the last seal of the windows partition of the same number.
package worker

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/control"
)

// Worker aggregates the samples partitions that it is assigned.
type Worker struct {
	Genesis *control.Genesis
	Group   string // consumer group
	Log     dataflow.Log
	Members dataflow.Group
	Logger  zerolog.Logger

	// Reached, if set, hears how far a partition's watermark is, ms, whenever it may have moved. It is called from several
	// goroutines.
	Reached func(partition int32, watermark int64)

	ChunkBytes int // about how many bytes of windows go into one record; 0 = aggregate's default
}

// Run aggregates until ctx ends.
func (w *Worker) Run(ctx context.Context) error {
	return w.Members.Run(ctx, w.Group, schemas.Samples, w.work)
}

// work aggregates one partition for as long as it is assigned.
func (w *Worker) work(ctx context.Context, a dataflow.Assignment) error {
	machine, err := w.Resume(ctx, a.Partition.Number)
	if err != nil {
		return fmt.Errorf("resume %s: %w", a.Partition, err)
	}
	w.Logger.Info().Stringer("partition", a.Partition).Int64("offset", machine.Next().Offset).Msg("aggregating")
	committed := int64(-1)
	commit := func(ctx context.Context) error { // for those who watch the lag: resuming goes by the last seal
		if mark, known := machine.Watermark(); known && w.Reached != nil {
			w.Reached(a.Partition.Number, mark)
		}
		if next := machine.Checkpoint(); next > committed {
			committed = next
			return a.Commit(ctx, next, "")
		}
		return nil
	}
	runner := dataflow.Runner{Log: w.Log, Machine: machine, Applied: commit}
	return runner.Run(ctx)
}
