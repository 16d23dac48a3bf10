package replay

import (
	"context"
	"fmt"

	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/reject"
	"detour/schemas/window"
)

// keep puts what a stage caused where it is read, and hands out the wholes that it completes.
func (d *derivation) keep(ctx context.Context, r *schemas.Record) (err error) {
	switch r.Partition.Topic {
	case schemas.Windows:
		err = d.keepWindows(ctx, r)
	case schemas.Decisions:
		err = d.keepDecisions(ctx, r)
	case schemas.Maps:
		err = d.keepMaps(ctx, r)
	case schemas.Rejects: // the log has its own
		err = d.keepReject(r)
	}
	if err != nil {
		return fmt.Errorf("derive %s: %w", r.Partition.Topic, err)
	}
	return nil
}

func (d *derivation) keepWindows(ctx context.Context, r *schemas.Record) error {
	b, err := window.Decode(r.Value)
	if err != nil {
		return err
	}
	if b.Head.Chunk.Whole >= d.from {
		if err := put(ctx, d.next, r); err != nil {
			return err
		}
	}
	p, err := d.panes[r.Partition.Number].Add(b)
	if err != nil || p == nil {
		return err
	}
	return d.found(made{partition: r.Partition.Number, pane: p})
}

func (d *derivation) keepDecisions(ctx context.Context, r *schemas.Record) error {
	if err := put(ctx, d.own, r); err != nil {
		return err
	}
	b, err := decision.Decode(r.Value)
	if err != nil {
		return err
	}
	if !d.skip(d.number + 1) {
		if err := put(ctx, d.next, r); err != nil {
			return err
		}
	}
	t, err := d.ticks.Add(b)
	if err != nil || t == nil {
		return err
	}
	d.ticks.Skip(t.Pane)
	d.number, d.read = t.Tick.Number, t.Tick.Positions.Control
	return d.found(made{tick: t})
}

func (d *derivation) keepMaps(ctx context.Context, r *schemas.Record) error {
	if err := put(ctx, d.own, r); err != nil {
		return err
	}
	v, err := d.versions.Add(r)
	if err != nil || v == nil {
		return err
	}
	d.versions.Skip(v.Manifest.Version)
	return d.found(made{version: v})
}

func (d *derivation) keepReject(r *schemas.Record) error {
	rejected, err := reject.Decode(r)
	if err != nil {
		return err
	}
	d.refused(Unreadable{At: rejected.At, Why: rejected.Detail})
	return nil
}

func put(ctx context.Context, memory *memlog.Log, r *schemas.Record) error {
	_, err := memory.Append(ctx, r.Partition, []schemas.Record{*r})
	return err
}
