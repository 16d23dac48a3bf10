// Package worker is the shell of publish: it builds the machine from the end of the topic that the machine itself wrote,
// so that the log is the only state there is. Running it is package dataflow's.
package worker

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/publish"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/pathmap"
)

// Resume returns a machine that goes on after the last complete version in the maps partition, or at the start of
// decisions where none was ever published. Errors that no retry can mend are dataflow.Fatal: settings that differ, a
// maps partition that lost every version to retention, a decisions partition shorter than what was read of it.
func Resume(ctx context.Context, log dataflow.Log, genesis control.Genesis, cfg publish.Config, logger zerolog.Logger) (*publish.Machine, error) {
	last, end, whole, err := lastVersion(ctx, log, logger)
	if err != nil {
		return nil, fmt.Errorf("resume publish: %w", err)
	}
	partition := schemas.Partition{Topic: schemas.Decisions}
	start, stop, err := log.Bounds(ctx, partition)
	if err != nil {
		return nil, fmt.Errorf("resume publish: bounds of %s: %w", partition, err)
	}
	cfg.Attempt = end
	if last == nil {
		if !whole {
			return nil, dataflow.Fatal{Err: fmt.Errorf("resume publish: no complete version is left in maps, retention took them all: " +
				"a first version now would go back in number")}
		}
		logger.Info().Int64("decisions", start).Msg("no version yet: starting at the first")
		return publish.New(genesis, cfg, start), nil
	}
	m, err := publish.Resume(genesis, cfg, last)
	if err != nil {
		return nil, dataflow.Fatal{Err: err}
	}
	read := last.Manifest.Positions.Decisions
	switch {
	case read > stop:
		return nil, dataflow.Fatal{Err: fmt.Errorf("resume publish: version %d had read %s to %d, which ends at %d: it was recreated",
			last.Manifest.Version, partition, read, stop)}
	case read < start:
		logger.Warn().Int64("from", read).Int64("to", start).Msg("retention took decisions before they were read: waiting for the next snapshot")
		m.Overrun(start)
	}
	logger.Info().Int64("version", m.Version()).Int64("decisions", max(read, start)).Msg("resuming behind the last version")
	return m, nil
}

// lastVersion reads the end of maps back to a complete version; nil if there is none. End is where maps ends; whole says
// that nothing before what was read is missing.
func lastVersion(ctx context.Context, log dataflow.Log, logger zerolog.Logger) (last *pathmap.Publication, end int64, whole bool, err error) {
	partition := schemas.Partition{Topic: schemas.Maps}
	end, whole, err = dataflow.Tail(ctx, log, partition, func(records []schemas.Record) (bool, error) {
		var chain pathmap.Chain
		last = nil
		for i := range records {
			p, err := chain.Add(&records[i])
			if err != nil {
				logger.Warn().Err(err).Str("at", records[i].At()).Msg("passing over a record of maps")
			}
			if p != nil {
				last = p
			}
		}
		return last != nil, nil
	})
	return last, end, whole, err
}
