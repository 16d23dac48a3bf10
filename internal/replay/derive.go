package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"detour/aggregate"
	"detour/decide"
	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/publish"
	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/reject"
	"detour/schemas/window"
)

// ErrIncomplete says that a log no longer holds what a version was made of.
var ErrIncomplete = errors.New("the log does not hold any more what it was made of")

// derivation runs the machines over the log's input, and pulls one from another. Nothing is appended to the log: what a
// stage causes goes to the next one, and back to itself where it reads what it wrote, through memory.
type derivation struct {
	log     *source
	next    *memlog.Log           // what the next stage reads: windows if they are derived, decisions
	own     *memlog.Log           // what a stage reads back: decisions, maps
	control map[int64]int64       // how far each recorded tick had read control: when a policy took effect is input
	skip    func(tick int64) bool // ticks that publish never saw
	found   func(made) error      // takes what was derived, in order
	passing func(*schemas.Record) // takes every record of windows that is read
	refused func(Unreadable)      // takes what a machine could not read of samples and control
	from    int64                 // panes before it are not decide's

	aggregate []*aggregate.Machine // nil = windows are read from the log
	decide    *decide.Machine
	publish   *publish.Machine

	panes    []window.Assembler
	ticks    decision.Assembler
	versions pathmap.Assembler
	number   int64 // of the last tick made
	read     int64 // how far control was read for it
}

// made is one whole that was derived: one field is set.
type made struct {
	partition int32
	pane      *window.Pane
	tick      *decision.Whole
	version   *pathmap.Publication
}

// newMemory returns the two logs that a derivation needs beside the real one.
func newMemory(n int) (next, own *memlog.Log) {
	return memlog.New(map[schemas.Topic]int{schemas.Decisions: 1, schemas.Windows: n}),
		memlog.New(map[schemas.Topic]int{schemas.Decisions: 1, schemas.Maps: 1})
}

// pull lets the last stage that can move take one step; false when none can: the input is at its end, or the last tick
// is made and published.
func (d *derivation) pull(ctx context.Context, last int64) (bool, error) {
	if moved, err := d.step(ctx, d.publish, schemas.Maps); moved || err != nil {
		return moved, err
	}
	if d.number >= last && d.decide.Next().Partition != decisionsPartition {
		return false, nil
	}
	if moved, err := d.step(ctx, d.decide, schemas.Decisions); moved || err != nil || d.aggregate == nil {
		return moved, err
	}
	needed := d.decide.Next().Partition
	if needed.Topic != schemas.Windows {
		return false, nil
	}
	return d.step(ctx, d.aggregate[needed.Number], "")
}

// step is one round of a machine: read, apply, keep. It tells whether the machine got anywhere. A machine that reads its
// own output back finds it in memory.
func (d *derivation) step(ctx context.Context, m schemas.Machine, own schemas.Topic) (bool, error) {
	in := m.Next()
	f, err := d.fetch(ctx, in, own)
	if err != nil || in.Wait && f.Next == in.Offset {
		return false, err
	}
	out, err := m.Apply(f.Records, f.Next)
	if err != nil {
		return false, fmt.Errorf("apply %s@%d: %w", in.Partition, in.Offset, err)
	}
	for i := range out {
		if err := d.keep(ctx, &out[i]); err != nil {
			return false, err
		}
	}
	return true, d.forget(ctx, m, own)
}

// fetch takes what there is at in.
func (d *derivation) fetch(ctx context.Context, in schemas.Input, own schemas.Topic) (dataflow.Fetched, error) {
	p := in.Partition
	switch {
	case p.Topic == own:
		return take(ctx, d.own, in)
	case p.Topic == schemas.Decisions, p.Topic == schemas.Windows && d.aggregate != nil:
		return take(ctx, d.next, in)
	}
	limit := d.log.extents[p].end
	if p.Topic == schemas.Control {
		limit = d.controlLimit(limit)
	}
	f, err := d.log.fetch(ctx, p, in.Offset, limit)
	if p.Topic == schemas.Windows {
		for i := range f.Records {
			d.passing(&f.Records[i])
		}
	}
	return f, err
}

// controlLimit returns how far the tick to be made had read control. Of a tick that can't be read any more that is not
// known, but that it was as far as the one before it.
func (d *derivation) controlLimit(end int64) int64 {
	if at, recorded := d.control[d.number+1]; recorded {
		return at
	}
	for number := range d.control {
		if number > d.number {
			return d.read
		}
	}
	return end
}

// take reads from memory, without waiting, and drops what was read before.
func take(ctx context.Context, memory *memlog.Log, in schemas.Input) (dataflow.Fetched, error) {
	_, end, err := memory.Bounds(ctx, in.Partition)
	if err != nil || in.Offset >= end {
		return dataflow.Fetched{Next: in.Offset}, err
	}
	f, err := memory.Fetch(ctx, in.Partition, in.Offset)
	if err != nil {
		return f, err
	}
	return f, memory.Trim(in.Partition, in.Offset)
}

// forget drops what a stage wrote and does not mean to read back.
func (d *derivation) forget(ctx context.Context, m schemas.Machine, own schemas.Topic) error {
	p := schemas.Partition{Topic: own}
	if own == "" || m.Next().Partition == p {
		return nil
	}
	_, end, err := d.own.Bounds(ctx, p)
	if err != nil {
		return err
	}
	return d.own.Trim(p, end)
}

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
	topic, _, _ := strings.Cut(rejected.At, "/")
	if topic == string(schemas.Samples) || topic == string(schemas.Control) {
		d.refused(Unreadable{At: rejected.At, Why: rejected.Detail})
	}
	return nil
}

func put(ctx context.Context, memory *memlog.Log, r *schemas.Record) error {
	_, err := memory.Append(ctx, r.Partition, []schemas.Record{*r})
	return err
}

// resumeDecide returns decide as it was behind a snapshot. Where its windows are in memory, they begin there at offset 0.
func (v *verification) resumeDecide(t *decision.Whole) (*decide.Machine, error) {
	at := *t
	if v.samples {
		none := make([]int64, v.genesis.Samples)
		at.Tick.Positions.Windows, at.Tick.Positions.Resume = none, slices.Clone(none)
	}
	var c decide.Checkpoint
	if !c.Extend(&at) {
		return nil, fmt.Errorf("tick %d is no snapshot", t.Tick.Number)
	}
	return decide.Resume(v.genesis, 0, &c)
}

// resumePublish returns publish as it was behind a tick: no version was due since the last one.
func (v *verification) resumePublish(t *decision.Whole, last *pathmap.Publication) (*publish.Machine, error) {
	at := *last
	at.Manifest.Tick, at.Manifest.TickDigest, at.Manifest.Positions.Decisions = t.Tick.Number, t.Tick.Digest, 0
	return publish.Resume(v.genesis, publish.Config{}, &at)
}
