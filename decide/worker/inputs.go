package worker

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"detour/decide"
	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/decision"
)

// inputs compares what the machine has to read with what the log holds. A windows partition that retention has cut
// short is begun where it begins now; one that ends before what was read of it is another topic of the same name.
func inputs(ctx context.Context, log dataflow.Log, read *decision.Positions, m *decide.Machine, partitions int, logger zerolog.Logger) error {
	if _, err := held(ctx, log, schemas.Partition{Topic: schemas.Control}, read.Control); err != nil {
		return err
	}
	for i := range partitions {
		p := schemas.Partition{Topic: schemas.Windows, Number: int32(i)}
		var from, to int64 // of a machine at the very beginning
		if read.Windows != nil {
			from, to = read.Resume[i], read.Windows[i]
		}
		start, err := held(ctx, log, p, to)
		if err != nil {
			return err
		}
		if start > from {
			logger.Error().Stringer("partition", p).Int64("from", from).Int64("to", start).Int64("lost", start-from).
				Msg("windows are lost: retention removed them before they were read, or while they were evidence")
			dataflow.Lost(log, p, start-from)
			m.Overrun(i, start)
		}
	}
	return nil
}

// held returns the first offset of p, which has to reach up to the offset read.
func held(ctx context.Context, log dataflow.Log, p schemas.Partition, read int64) (start int64, err error) {
	start, end, err := log.Bounds(ctx, p)
	if err != nil {
		return 0, fmt.Errorf("bounds of %s: %w", p, err)
	}
	if end < read {
		return 0, dataflow.Fatal{Err: fmt.Errorf("%s ends at %d, the last tick had read to %d: it was recreated", p, end, read)}
	}
	return start, nil
}
