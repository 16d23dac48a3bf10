package replay

import (
	"context"
	"errors"
	"fmt"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/control"
)

// ErrNoVersion says that nothing was published yet.
var ErrNoVersion = errors.New("no version is published yet")

// Verify derives a log's map versions again and compares every stage on the way with what the log holds. It runs the same
// machines over the same input, from the log's beginning or from a snapshot, and appends nothing.
type Verify struct {
	Log     dataflow.Log
	Genesis control.Genesis
	// Samples derives from the samples topic, with aggregate; otherwise it is from the windows topic, with decide.
	Samples bool
	// Version is the one to derive, from the latest snapshot before it; 0 = all that can be, from the earliest.
	Version int64
	// Progress, if set, is told how many ticks were derived, of how many.
	Progress func(done, total int64)
}

// Run verifies the log as it is now. A difference is no error: see Verified. ErrNoVersion and ErrIncomplete tell that
// there is nothing to verify, or not enough left of the log.
func (v *Verify) Run(ctx context.Context) (*Verified, error) {
	run := &verification{genesis: v.Genesis, samples: v.Samples, found: &Verified{From: schemas.Windows}}
	if v.Samples {
		run.found.From = schemas.Samples
	}
	if err := run.survey(ctx, v.Log, v.Version); err != nil {
		return nil, err
	}
	begin, ok := run.choose()
	if !ok {
		if err := run.survey(ctx, v.Log, 0); err != nil { // what could be derived instead
			return nil, err
		}
		return nil, run.impossible(v.Version)
	}
	last := max(run.log.ticks.last(), run.log.versions.all[len(run.log.versions.all)-1].tick)
	if v.Version != 0 {
		last = run.log.versions.find(v.Version).tick
	}
	if err := run.derive(ctx, &begin, last, v.Progress); err != nil {
		return nil, err
	}
	return run.found, run.conclude(ctx, &begin)
}

// verification is one run of Verify.
type verification struct {
	genesis control.Genesis
	samples bool
	log     *recorded
	panes   []*panes // by partition: all that are held, if they are derived
	target  int64    // 0 = all
	found   *Verified

	compared int64 // the last version that was compared
	first    int64 // pane of the evidence
	through  int64 // the pane of the last tick that was derived
	suspect  bool  // a pane of the evidence misses something, or can't be read
}

// survey reads what the log says was made, up to a version if it is above 0.
func (v *verification) survey(ctx context.Context, log dataflow.Log, target int64) error {
	frozen, err := freeze(ctx, log, v.genesis.Samples)
	if err != nil {
		return err
	}
	v.target = target
	v.log = &recorded{source: frozen, genesis: v.genesis.Hash(), paths: len(v.genesis.Paths)}
	v.panes = v.log.panesOf(v.genesis.Samples)
	if err := v.log.readVersions(ctx, target); err != nil {
		return err
	}
	lastTick, err := v.lastTick(target)
	if err != nil {
		return err
	}
	if err := v.log.readTicks(ctx, lastTick); err != nil || !v.samples {
		return err
	}
	for _, p := range v.panes {
		if err := v.log.readPanes(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// lastTick returns the tick that a version was made of, 0 if all are to be verified.
func (v *verification) lastTick(target int64) (int64, error) {
	versions := v.log.versions.all
	switch w := v.log.versions.find(target); {
	case len(versions) == 0 && v.log.start(mapsPartition) > 0:
		return 0, fmt.Errorf("%s begins at offset %d and holds no whole version: %w", mapsPartition, v.log.start(mapsPartition), ErrIncomplete)
	case len(versions) == 0:
		return 0, ErrNoVersion
	case target == 0:
		return 0, nil
	case w == nil && v.log.versions.missing(target):
		return 0, fmt.Errorf("the log's record of version %d can't be read", target)
	case w == nil:
		return 0, fmt.Errorf("the log holds no version %d; it holds %d to %d", target, versions[0].Number, v.log.versions.last())
	default:
		return w.tick, nil
	}
}

// derive runs the machines from a start to a last tick, until something differs.
func (v *verification) derive(ctx context.Context, begin *start, last int64, progress func(done, total int64)) error {
	d, err := v.prepare(ctx, begin)
	if err != nil {
		return err
	}
	for v.found.Difference == nil {
		moved, err := d.pull(ctx, last)
		if err != nil {
			return err
		}
		if progress != nil {
			progress(d.number-begin.number(), last-begin.number())
		}
		if !moved {
			return nil
		}
	}
	return nil
}
