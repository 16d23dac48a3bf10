// Package worker gives the decide stage its machine: it finds out, from the decisions topic alone, where an earlier life
// of the stage stopped. It keeps no state of its own; dataflow.Runner does the rest.
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

// decisions is the stage's one output partition.
var decisions = schemas.Partition{Topic: schemas.Decisions}

// Resume returns the machine that goes on behind the last tick of the chain in log, or one that starts at the beginning
// if there is none. Windows that retention took are missing in its evidence, and the logger says which. Errors that no
// retry can mend are dataflow.Fatal: a decisions topic that lost every snapshot to retention, a topic that is shorter
// than what was read of it.
func Resume(ctx context.Context, log dataflow.Log, genesis control.Genesis, cfg decide.Config, logger zerolog.Logger) (*decide.Machine, error) {
	found, end, err := checkpoint(ctx, log, genesis, logger)
	if err != nil {
		return nil, fmt.Errorf("resume decide: %w", err)
	}
	m, err := decide.Resume(genesis, end, found)
	if err != nil {
		return nil, dataflow.Fatal{Err: err}
	}
	m.Configure(cfg)
	if err := inputs(ctx, log, &found.Tick.Positions, m, genesis.Samples, logger); err != nil {
		return nil, fmt.Errorf("resume decide: %w", err)
	}
	logger.Info().Int64("tick", found.Tick.Number).Int64("decisions", end).Msg("resuming behind the last tick")
	return m, nil
}
