package worker

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"detour/decide"
	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/control"
)

// checkpoint reads the decisions topic back until it is sure of the state after the last tick, and tells where the topic
// ended. A record that can't be read completes nothing: unless its tick was written again, the chain goes on with the
// next snapshot, and where none follows the ticks behind it are decided anew.
func checkpoint(ctx context.Context, log dataflow.Log, genesis control.Genesis, logger zerolog.Logger) (*decide.Checkpoint, int64, error) {
	var found *decide.Checkpoint
	hash, paths := genesis.Hash(), len(genesis.Paths)
	var passed []error
	end, whole, err := dataflow.Tail(ctx, log, decisions, func(records []schemas.Record) (bool, error) {
		found, passed = new(decide.Checkpoint), nil
		if len(records) > 0 && records[0].Offset > 0 {
			found = decide.FromTheMiddle()
		}
		for i := range records {
			if err := found.Read(hash, paths, &records[i]); err != nil {
				passed = append(passed, fmt.Errorf("%s: %w", records[i].At(), err))
			}
		}
		return found.Sure(), nil
	})
	if err != nil {
		return nil, 0, err
	}
	if len(passed) > 0 {
		logger.Warn().Err(passed[len(passed)-1]).Int("records", len(passed)).Msg("passing over records of decisions that no reader takes")
	}
	if found.State == nil && !whole {
		return nil, 0, dataflow.Fatal{Err: fmt.Errorf("%s holds no complete snapshot any more, and does not begin at offset 0 "+
			"(%d records can't be read): a chain of ticks that lost its end can't go on. Start over under another prefix, and keep "+
			"the topic for longer than snapshot_ticks panes", decisions, len(passed))}
	}
	return found, end, nil
}
