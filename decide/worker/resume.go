// Package worker gives the decide stage its machine: it finds out, from the decisions topic alone, where an earlier life
// of the stage stopped. It keeps no state of its own; dataflow.Runner does the rest.
package worker

import (
	"context"
	"errors"
	"fmt"

	"detour/decide"
	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
)

// decisions is the stage's one output partition.
var decisions = schemas.Partition{Topic: schemas.Decisions}

// Resume returns the machine that goes on behind the last complete tick in log, or one that starts at the beginning if
// there is none. It is a dataflow.Fatal error if the log no longer holds what the machine would have to read.
func Resume(ctx context.Context, log dataflow.Log, genesis control.Genesis) (*decide.Machine, error) {
	var found *decide.Checkpoint
	end, whole, err := dataflow.Tail(ctx, log, decisions, func(records []schemas.Record) (bool, error) {
		c, err := checkpoint(records, genesis.Hash())
		found = c
		return c.State != nil, err
	})
	if err != nil {
		return nil, fmt.Errorf("resume decide: %w", err)
	}
	if found.State == nil {
		if !whole {
			return nil, dataflow.Fatal{Err: errors.New("resume decide: the decisions topic holds no complete snapshot any more")}
		}
		if err := held(ctx, log, make([]int64, genesis.Samples)); err != nil {
			return nil, err
		}
		return decide.New(genesis, end), nil
	}
	m, err := decide.Resume(genesis, end, found)
	if err != nil {
		return nil, dataflow.Fatal{Err: err}
	}
	if err := held(ctx, log, found.Tick.Positions.Resume); err != nil {
		return nil, err
	}
	return m, nil
}

// checkpoint reads the end of the decisions topic. A chunk that cannot be decoded completes nothing: if its tick was
// not written again, the ticks behind it are not part of the chain, and are decided anew.
func checkpoint(records []schemas.Record, genesis string) (*decide.Checkpoint, error) {
	var ticks decision.Assembler
	c := new(decide.Checkpoint)
	for i := range records {
		b, err := decision.Decode(records[i].Value)
		if err != nil {
			continue
		}
		if b.Head.Genesis != genesis {
			return c, dataflow.Fatal{Err: fmt.Errorf("%s: written for genesis %.16s, this is %.16s", records[i].At(), b.Head.Genesis, genesis)}
		}
		w, err := ticks.Add(b)
		if err != nil {
			return c, dataflow.Fatal{Err: fmt.Errorf("%s: %w", records[i].At(), err)}
		}
		if w != nil && c.Extend(w) {
			ticks.Skip(w.Pane)
		}
	}
	return c, nil
}

// held checks that the log still has the windows from the given offsets on.
func held(ctx context.Context, log dataflow.Log, from []int64) error {
	for i, offset := range from {
		p := schemas.Partition{Topic: schemas.Windows, Number: int32(i)}
		start, _, err := log.Bounds(ctx, p)
		if err != nil {
			return fmt.Errorf("resume decide: bounds of %s: %w", p, err)
		}
		if start > offset {
			return dataflow.Fatal{Err: fmt.Errorf("resume decide: %s begins at offset %d, evidence at %d: retention was too short", p, start, offset)}
		}
	}
	return nil
}
