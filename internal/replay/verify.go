package replay

import (
	"context"
	"errors"
	"fmt"

	"detour/aggregate"
	"detour/decide"
	"detour/internal/dataflow"
	"detour/publish"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/window"
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
	run.conclude(begin.number())
	return run.found, nil
}

// verification is one run of Verify.
type verification struct {
	genesis control.Genesis
	samples bool
	log     *recorded
	panes   []*panes // by partition: from samples all that are held, otherwise those read so far
	target  int64    // 0 = all
	found   *Verified

	compared int64 // the last version that was compared
	through  int64 // the pane of the last tick that was derived
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

// prepare builds the machines.
func (v *verification) prepare(ctx context.Context, begin *start) (d *derivation, err error) {
	d = &derivation{
		log: v.log.source, control: v.log.controls(), from: window.NoPane, number: begin.number(),
		panes: make([]window.Assembler, v.genesis.Samples),
		skip:  v.unseen,
		found: func(m made) error { return v.compare(ctx, &m) },
		passing: func(r *schemas.Record) {
			if _, err := v.panes[r.Partition.Number].add(r); err != nil {
				v.log.unread(r, err)
			}
		},
		refused: v.refused,
		decide:  decide.New(v.genesis, 0),
		publish: publish.New(v.genesis, publish.Config{}, 0),
	}
	d.next, d.own = newMemory(v.genesis.Samples)
	if begin.tick != nil {
		v.found.Tick, v.found.Version = begin.tick.Number, begin.version.Number
		d.from, d.read = begin.tick.positions.From, begin.tick.positions.Control
		v.compared, v.through = begin.version.Number, begin.tick.pane
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

// compare takes what was derived. What the log does not hold, before its first or behind its last, is not compared.
func (v *verification) compare(ctx context.Context, m *made) error {
	if v.found.Difference != nil {
		return nil
	}
	switch {
	case m.pane != nil:
		return v.comparePane(ctx, m.partition, m.pane)
	case m.tick != nil:
		return v.compareTick(ctx, m.tick)
	default:
		return v.compareVersion(ctx, m.version)
	}
}

func (v *verification) comparePane(ctx context.Context, partition int32, derived *window.Pane) error {
	held := v.panes[partition]
	p := held.find(derived.Start)
	switch {
	case p == nil && held.missing(derived.Start):
		v.found.missing(&Difference{Stage: "pane", Number: derived.Start, Partition: partition}, held.gap(derived.Start), v.log.unreadable)
		return nil
	case p == nil:
		return nil
	case p.digest == derived.Seal.Digest:
		v.found.Panes++
		return nil
	}
	published, err := v.log.loadPane(ctx, held, p)
	if err == nil {
		v.found.Difference = paneDifference(&v.genesis, partition, derived, published)
	}
	return err
}

func (v *verification) compareTick(ctx context.Context, derived *decision.Whole) error {
	v.through = derived.Pane
	t := v.log.ticks.find(derived.Tick.Number)
	switch {
	case t == nil && v.log.ticks.missing(derived.Tick.Number):
		v.found.missing(&Difference{Stage: "tick", Number: derived.Tick.Number}, v.log.ticks.gap(decisionsPartition, derived.Tick.Number), v.log.unreadable)
		return nil
	case t == nil:
		return nil
	case t.Digest == derived.Tick.Digest && (t.state == "" || !derived.Tick.Snapshot || t.state == stateDigest(derived)):
		v.found.Ticks++
		return nil
	}
	published, err := v.log.loadTick(ctx, t)
	if err == nil {
		v.found.Difference = tickDifference(&v.genesis, derived, published)
	}
	return err
}

func (v *verification) compareVersion(ctx context.Context, derived *pathmap.Publication) error {
	number := derived.Manifest.Version
	w := v.log.versions.find(number)
	switch {
	case w == nil && v.log.versions.missing(number):
		v.found.missing(&Difference{Stage: "version", Number: number}, v.log.versions.gap(mapsPartition, number), v.log.unreadable)
		return nil
	case w == nil && number > v.log.versions.last():
		v.found.Unpublished++
		return nil
	case w == nil || v.target != 0 && number != v.target:
		return nil
	case w.Digest == derived.Manifest.Digest:
		v.found.count(w)
		v.compared = number
		return nil
	}
	published, err := v.log.loadVersion(ctx, w)
	if err == nil {
		v.found.Difference, err = versionDifference(derived, published)
	}
	return err
}

// conclude looks at what the derivation did not lead to, and at what the log says of its own gaps.
func (v *verification) conclude(began int64) {
	f := v.found
	if f.Difference == nil {
		f.Difference = v.unreached(began)
	}
	if f.Difference == nil && len(f.Missing) > 0 {
		f.Difference = &f.Missing[0]
	}
	v.listPanes()
	f.UnreadableRecords = append(f.UnreadableRecords, v.log.unreadable...)
	f.Trimmed = v.trimmed()
	for i := range v.log.versions.all {
		if w := &v.log.versions.all[i]; v.target == 0 && w.tick <= began {
			f.Underived = append(f.Underived, w.Number)
		}
	}
}

// unreached names the first tick or version that is in the log, and that the derivation did not come to.
func (v *verification) unreached(began int64) *Difference {
	const why = "the log does not lead to it"
	for i := range v.log.ticks.all {
		if t := &v.log.ticks.all[i]; v.target == 0 && t.Number > began && t.pane > v.through {
			return &Difference{Stage: "tick", Number: t.Number, Why: why}
		}
	}
	for i := range v.log.versions.all {
		w := &v.log.versions.all[i]
		if w.Number > v.compared && w.tick > began && (v.target == 0 || w.Number == v.target) {
			return &Difference{Stage: "version", Number: w.Number, Why: why}
		}
	}
	return nil
}

// refused takes what a machine could not read of the topics that only machines read.
func (v *verification) refused(u Unreadable) {
	for _, known := range v.log.unreadable {
		if known.At == u.At {
			return
		}
	}
	v.log.unreadable = append(v.log.unreadable, u)
}

// listPanes counts the panes that were read, and lists those that miss something.
func (v *verification) listPanes() {
	read := 0
	for number, held := range v.panes {
		for i := range held.all {
			p := &held.all[i]
			if p.start > v.through {
				break
			}
			if read++; p.totals.Incomplete && p.start >= v.evidence() {
				v.found.IncompletePanes = append(v.found.IncompletePanes, IncompletePane{
					Partition: int32(number), Pane: p.start, Holes: p.totals.Holes, Lost: p.totals.Lost,
				})
			}
		}
	}
	if !v.samples {
		v.found.Panes = read
	}
}

// evidence returns the first pane that a decision could look at.
func (v *verification) evidence() int64 {
	if t := v.log.ticks.find(v.found.Tick); v.found.Tick > 0 && t != nil {
		return t.positions.From
	}
	return window.NoPane
}

// trimmed lists the partitions, of those that were read, that no longer hold their beginning.
func (v *verification) trimmed() (all []Trimmed) {
	read := append(v.input(), decisionsPartition, mapsPartition, controlPartition)
	for _, p := range read {
		if at := v.log.start(p); at > 0 {
			all = append(all, Trimmed{Partition: p.String(), To: at})
		}
	}
	return all
}
