package replay

import (
	"context"
	"fmt"

	"detour/aggregate"
	"detour/decide"
	"detour/publish"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/window"
)

// prepare builds the machines.
func (v *verification) prepare(ctx context.Context, begin *start) (d *derivation, err error) {
	d = &derivation{
		log: v.log.source, control: v.log.controls(), from: window.NoPane, number: begin.number(),
		panes:   make([]window.Assembler, v.genesis.Samples),
		skip:    v.unseen,
		found:   func(m made) error { return v.compare(ctx, &m) },
		refused: v.refused,
		decide:  decide.New(v.genesis, 0),
		publish: publish.New(v.genesis, publish.Config{}, 0),
	}
	d.next, d.own = newMemory(v.genesis.Samples)
	if begin.tick != nil {
		v.found.Tick, v.found.Version = begin.tick.Number, begin.version.Number
		d.from, d.read = begin.tick.positions.From, begin.tick.positions.Control
		v.compared, v.first, v.through = begin.version.Number, begin.tick.positions.From, begin.tick.pane
		t, last, err := v.load(ctx, begin)
		if err != nil {
			return nil, err
		}
		if d.decide, err = v.resumeDecide(t); err != nil {
			return nil, err
		}
		if d.publish, err = v.resumePublish(t, last); err != nil {
			return nil, err
		}
	}
	if v.samples {
		d.aggregate = make([]*aggregate.Machine, v.genesis.Samples)
		for i := range d.aggregate {
			if d.aggregate[i], err = v.aggregator(ctx, begin, i); err != nil {
				return nil, err
			}
		}
	}
	return d, nil
}

// aggregator returns the machine of a samples partition.
func (v *verification) aggregator(ctx context.Context, s *start, partition int) (*aggregate.Machine, error) {
	if s.tick == nil || s.seals[partition] == nil {
		return aggregate.New(&v.genesis, int32(partition), aggregate.FromScratch(0, 0)), nil
	}
	p, err := v.log.loadPane(ctx, v.panes[partition], s.seals[partition])
	if err != nil {
		return nil, err
	}
	return aggregate.New(&v.genesis, int32(partition), aggregate.FromSeal(&p.Seal, 0)), nil
}

// load reads the snapshot and the version that a derivation goes on behind, and compares them: no version was due between
// the two, so that they say the same of every resolver.
func (v *verification) load(ctx context.Context, s *start) (*decision.Whole, *pathmap.Publication, error) {
	t, err := v.log.loadTick(ctx, s.tick)
	if err != nil {
		return nil, nil, err
	}
	p, err := v.log.loadVersion(ctx, s.version)
	if err != nil {
		return nil, nil, err
	}
	m, err := p.Manifest.Open(p.Bytes)
	if err != nil {
		return nil, nil, err
	}
	v.found.Difference = snapshotDifference(t, m, s.version.Number)
	return t, p, nil
}

// resumeDecide returns decide as it was behind a snapshot. Where its windows are in memory, they begin there at offset 0.
func (v *verification) resumeDecide(t *decision.Whole) (*decide.Machine, error) {
	at := *t
	if v.samples {
		at.Tick.Positions.Resume = make([]int64, v.genesis.Samples)
	}
	at.Tick.Positions.Windows = at.Tick.Positions.Resume // what it can't read it says again
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

// unseen reports whether publish never saw a tick: its record can't be read, and no version is of it or of its neighbours
// that can't be read either.
func (v *verification) unseen(number int64) bool {
	if !v.log.ticks.missing(number) {
		return false
	}
	first, last := number, number
	for v.log.ticks.missing(first - 1) {
		first--
	}
	for v.log.ticks.missing(last + 1) {
		last++
	}
	for i := range v.log.versions.all {
		if t := v.log.versions.all[i].tick; first <= t && t <= last {
			return false
		}
	}
	return true
}
