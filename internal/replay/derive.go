package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"detour/aggregate"
	"detour/decide"
	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/publish"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
)

// Derive makes a log's map versions again: it runs the machines from their beginning over the same input, and appends
// nothing to the log. What a stage causes goes to the next one through memory.
type Derive struct {
	Log     dataflow.Log
	Genesis control.Genesis
	// Samples begins at the samples topic, with aggregate; otherwise it begins at the windows topic, with decide.
	Samples bool
}

// ErrIncomplete says that a log no longer holds what its first version was made of.
var ErrIncomplete = errors.New("the log does not hold its beginning any more")

// Run derives version after version and hands each to found, until found returns false or the input ends. The time that
// a policy took effect is input too: each tick sees control as far as the recorded tick of its number had read it.
func (d *Derive) Run(ctx context.Context, found func(*pathmap.Publication) (more bool, err error)) error {
	w, err := d.prepare(ctx)
	if err != nil {
		return err
	}
	for {
		moved, err := w.pull(ctx)
		if err != nil || !moved {
			return err
		}
		for _, p := range w.made {
			if more, err := found(p); err != nil || !more {
				return err
			}
		}
		w.made = nil
	}
}

// prepare reads how far each input goes, and builds the machines.
func (d *Derive) prepare(ctx context.Context) (*derivation, error) {
	w := &derivation{
		log:     d.Log,
		ends:    make(map[schemas.Partition]int64),
		derived: []schemas.Topic{schemas.Decisions},
		decide:  decide.New(d.Genesis, 0),
		publish: publish.New(d.Genesis, publish.Config{}, 0),
	}
	input := schemas.Windows
	if d.Samples {
		input = schemas.Samples
		w.derived = append(w.derived, schemas.Windows)
		for i := range d.Genesis.Samples {
			w.aggregate = append(w.aggregate, aggregate.New(&d.Genesis, int32(i), aggregate.FromScratch(0, 0)))
		}
	}
	w.memory = memlog.New(map[schemas.Topic]int{schemas.Decisions: 1, schemas.Windows: d.Genesis.Samples})
	for _, p := range append(partitions(input, d.Genesis.Samples), schemas.Partition{Topic: schemas.Control}) {
		start, end, err := d.Log.Bounds(ctx, p)
		if err != nil {
			return nil, err
		}
		if start > 0 {
			return nil, fmt.Errorf("%s begins at offset %d: %w", p, start, ErrIncomplete)
		}
		w.ends[p] = end
	}
	var err error
	w.control, err = controlReads(ctx, d.Log)
	return w, err
}

func partitions(t schemas.Topic, n int) (all []schemas.Partition) {
	for i := range n {
		all = append(all, schemas.Partition{Topic: t, Number: int32(i)})
	}
	return all
}

// controlReads returns how far each recorded tick had read control, by the tick's number.
func controlReads(ctx context.Context, log dataflow.Log) (map[int64]int64, error) {
	p := schemas.Partition{Topic: schemas.Decisions}
	start, end, err := log.Bounds(ctx, p)
	if err != nil {
		return nil, err
	}
	reads := make(map[int64]int64)
	var last *decision.Tick
	for from := start; from < end; {
		f, err := log.Fetch(ctx, p, from)
		if err != nil {
			return nil, err
		}
		for i := range f.Records {
			b, err := decision.Decode(f.Records[i].Value)
			if err != nil || b.Head.Tick == nil {
				continue
			}
			if t := b.Head.Tick; last == nil || t.Number == last.Number+1 && t.Previous == last.Digest {
				reads[t.Number], last = t.Positions.Control, t
			}
		}
		from = f.Next
	}
	return reads, ctx.Err()
}

// derivation is one run: machines that pull from one another.
type derivation struct {
	log     dataflow.Log
	memory  *memlog.Log
	derived []schemas.Topic // what is in memory instead of in the log
	ends    map[schemas.Partition]int64
	control map[int64]int64
	ticks   int64 // made so far

	aggregate []*aggregate.Machine
	decide    *decide.Machine
	publish   *publish.Machine

	versions pathmap.Assembler
	made     []*pathmap.Publication
}

// pull lets the last stage that can move take one step; false when none can: the input is at its end.
func (w *derivation) pull(ctx context.Context) (bool, error) {
	if moved, err := w.step(ctx, w.publish); moved || err != nil {
		return moved, err
	}
	if moved, err := w.step(ctx, w.decide); moved || err != nil || w.aggregate == nil {
		return moved, err
	}
	needed := w.decide.Next().Partition
	if needed.Topic != schemas.Windows {
		return false, nil
	}
	return w.step(ctx, w.aggregate[needed.Number])
}

// step is one round of a machine: read, apply, keep. It tells whether the machine got anywhere.
func (w *derivation) step(ctx context.Context, m schemas.Machine) (bool, error) {
	in := m.Next()
	f, err := w.read(ctx, in)
	if err != nil || in.Wait && f.Next == in.Offset {
		return false, err
	}
	out, err := m.Apply(f.Records, f.Next)
	if err != nil {
		return false, fmt.Errorf("apply %s@%d: %w", in.Partition, in.Offset, err)
	}
	return true, w.keep(ctx, out)
}

// read takes what there is at in, from memory or from the log.
func (w *derivation) read(ctx context.Context, in schemas.Input) (dataflow.Fetched, error) {
	p, none := in.Partition, dataflow.Fetched{Next: in.Offset}
	if slices.Contains(w.derived, p.Topic) {
		if _, end, err := w.memory.Bounds(ctx, p); err != nil || in.Offset >= end {
			return none, err
		}
		f, err := w.memory.Fetch(ctx, p, in.Offset)
		if err != nil {
			return none, err
		}
		return f, w.memory.Trim(p, in.Offset) // what was applied is not read again
	}
	end := w.ends[p]
	if p.Topic == schemas.Control {
		if at, recorded := w.control[w.ticks+1]; recorded {
			end = at
		}
	}
	if in.Offset >= end {
		return none, nil
	}
	f, err := w.log.Fetch(ctx, p, in.Offset)
	if err != nil {
		return none, fmt.Errorf("read %s@%d: %w", p, in.Offset, err)
	}
	f.Records = slices.DeleteFunc(f.Records, func(r schemas.Record) bool { return r.Offset >= end })
	f.Next = min(f.Next, end)
	return f, ctx.Err()
}

// keep puts what a stage caused where the next one reads.
func (w *derivation) keep(ctx context.Context, out []schemas.Record) error {
	for i := range out {
		r := &out[i]
		switch r.Partition.Topic {
		case schemas.Rejects: // the log has its own
			continue
		case schemas.Maps:
			p, err := w.versions.Add(r)
			if err != nil {
				return err
			}
			if p != nil {
				w.versions.Skip(p.Manifest.Version)
				w.made = append(w.made, p)
			}
			continue
		case schemas.Decisions:
			b, err := decision.Decode(r.Value)
			if err != nil {
				return err
			}
			if b.Head.Tick != nil {
				w.ticks = b.Head.Tick.Number
			}
		}
		if _, err := w.memory.Append(ctx, r.Partition, out[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}
