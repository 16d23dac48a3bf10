// Package worker is the shell of publish: it builds the machine from the end of the topic that the machine itself wrote,
// so that the log is the only state there is. Running it is package dataflow's.
package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/publish"
	"detour/publish/tail"
	"detour/schemas"
	"detour/schemas/control"
)

// Resume returns a machine that goes on after the last complete version in the maps partition, or at the start of
// decisions where none was ever published. Errors that no retry can mend are dataflow.Fatal: settings that differ, a
// maps partition that lost every version to retention, a decisions partition shorter than what was read of it.
func Resume(ctx context.Context, log dataflow.Log, genesis control.Genesis, cfg publish.Config, logger zerolog.Logger) (*publish.Machine, error) {
	found, err := tail.Read(ctx, log, 1)
	if err != nil {
		return nil, fmt.Errorf("resume publish: %w", err)
	}
	partition := schemas.Partition{Topic: schemas.Decisions}
	start, end, err := log.Bounds(ctx, partition)
	if err != nil {
		return nil, fmt.Errorf("resume publish: bounds of %s: %w", partition, err)
	}
	cfg.Attempt = found.End
	m, read, err := behind(found, genesis, cfg)
	if err != nil {
		return nil, dataflow.Fatal{Err: fmt.Errorf("resume publish: %w", err)}
	}
	if read > end {
		return nil, dataflow.Fatal{Err: fmt.Errorf("resume publish: version %d had read %s to %d, which ends at %d: it was recreated",
			m.Version(), partition, read, end)}
	}
	if read < start {
		logger.Error().Stringer("partition", partition).Int64("from", read).Int64("to", start).Int64("lost", start-read).
			Msg("retention took decisions before they were read: waiting for the next snapshot")
		dataflow.Lost(log, partition, start-read)
		m.Overrun(start)
	}
	m.Follow(found.Chain, refused(found, logger))
	logger.Info().Int64("version", m.Version()).Int64("decisions", max(read, start)).Msg("resuming behind the last version")
	return m, nil
}

// behind returns the machine that follows the last version found, and the offset in decisions that it goes on from.
func behind(found *tail.Tail, genesis control.Genesis, cfg publish.Config) (m *publish.Machine, read int64, err error) {
	last := found.Last()
	if last != nil {
		m, err = publish.Resume(genesis, cfg, last)
		return m, last.Manifest.Positions.Decisions, err
	}
	if !found.Whole {
		return nil, 0, errors.New("no complete version is left in maps, retention took them all: a first version now would go back in number")
	}
	return publish.New(genesis, cfg, 0), 0, nil
}

// refused returns the rejects of what was passed over in maps. They are written again by every process that resumes
// there, until two versions follow: better twice than never.
func refused(found *tail.Tail, logger zerolog.Logger) (rejects []schemas.Record) {
	for i := range found.Passed {
		p := &found.Passed[i]
		logger.Warn().Err(p.Why).Str("at", p.Record.At()).Msg("passing over a record of maps")
		rejects = append(rejects, publish.Passed(&p.Record, p.Why))
	}
	return rejects
}
