package replay

import (
	"context"
	"errors"
	"fmt"

	"detour/aggregate"
	"detour/decide"
	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/publish"
	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
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
	refused func(Unreadable)      // takes what a machine could not read
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
	return d.log.fetch(ctx, p, in.Offset, limit)
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
