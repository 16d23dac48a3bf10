package replay

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"detour/aggregate"
	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
)

// start is where a derivation begins. The zero value is the beginning of the log.
type start struct {
	tick    *tick    // a snapshot: decide goes on behind it, with the evidence of the panes that it names
	version *version // the newest one of that tick or before: publish goes on behind it
	seals   []*pane  // from samples, by partition: aggregate goes on behind it; nil = at the partition's beginning
}

// number is that of the tick that the derivation goes on behind, 0 at the beginning.
func (s *start) number() int64 {
	if s.tick == nil {
		return 0
	}
	return s.tick.Number
}

// choose returns the start for one version, the latest there is, or for all, the earliest; false if there is none.
func (v *verification) choose() (begin start, found bool) {
	starts := v.starts()
	if len(starts) == 0 {
		return start{}, false
	}
	if v.target == 0 {
		return v.complete(starts[0], false), true
	}
	tick := v.log.versions.find(v.target).tick
	i, _ := slices.BinarySearchFunc(starts, tick, func(s start, number int64) int { return cmp.Compare(s.number(), number) })
	if i == 0 {
		return start{}, false
	}
	return v.complete(starts[i-1], true), true
}

// starts lists where a derivation can begin, in order.
func (v *verification) starts() (all []start) {
	if v.whole() {
		all = append(all, start{})
	}
	versions := v.log.versions.all
	for i := range v.log.ticks.all {
		t := &v.log.ticks.all[i]
		n, found := slices.BinarySearchFunc(versions, t.Number, func(w version, number int64) int { return cmp.Compare(w.tick, number) })
		if found {
			n++
		}
		if t.state == "" || n == 0 || n == len(versions) && versions[n-1].tick <= t.Number || !v.covered(t) {
			continue // no snapshot, no version before it or behind it, or its evidence is gone
		}
		all = append(all, start{tick: t, version: &versions[n-1]})
	}
	return all
}

// whole reports whether the log holds its beginning: the input, and with the ticks how far control was read for each.
func (v *verification) whole() bool {
	for _, p := range v.input() {
		if v.log.start(p) > 0 {
			return false
		}
	}
	return len(v.log.ticks.all) > 0 && v.log.ticks.all[0].Number == 1 && v.log.versions.all[0].Number == 1
}

// input lists the partitions that the derivation reads.
func (v *verification) input() []schemas.Partition {
	if v.samples {
		return partitions(schemas.Samples, v.genesis.Samples)
	}
	return partitions(schemas.Windows, v.genesis.Samples)
}

// covered reports whether the log holds the panes of a snapshot's evidence, or what they were made of.
func (v *verification) covered(t *tick) bool {
	if len(t.positions.Resume) != v.genesis.Samples {
		return false
	}
	for i, p := range v.input() {
		if !v.samples && v.log.start(p) > t.positions.Resume[i] {
			return false
		}
		if v.samples && v.log.start(p) > 0 && v.seal(i, t.positions.From, false) == nil {
			return false
		}
	}
	return true
}

// seal returns the earliest, or the latest, seal of a partition that leads to the pane at from, and from which on the
// samples are there; nil if there is none.
func (v *verification) seal(partition int, from int64, latest bool) (found *pane) {
	held := v.log.start(schemas.Partition{Topic: schemas.Samples, Number: int32(partition)})
	for i := range v.panes[partition].all {
		switch p := &v.panes[partition].all[i]; {
		case p.start >= from:
			return found
		case p.resume >= held && !latest:
			return p
		case p.resume >= held:
			found = p
		}
	}
	return found
}

// complete adds where aggregate begins.
func (v *verification) complete(s start, latest bool) start {
	if !v.samples || s.tick == nil {
		return s
	}
	for i, p := range v.input() {
		var at *pane
		if latest || v.log.start(p) > 0 {
			at = v.seal(i, s.tick.positions.From, latest)
		}
		s.seals = append(s.seals, at)
	}
	return s
}

// impossible says why there is no start, and which versions can be derived instead.
func (v *verification) impossible(target int64) error {
	what := "no version can be derived"
	if target > 0 {
		what = fmt.Sprintf("version %d can't be derived", target)
	}
	if starts := v.starts(); len(starts) > 0 {
		for i := range v.log.versions.all {
			if w := &v.log.versions.all[i]; w.tick > starts[0].number() {
				return fmt.Errorf("%s from %s: %w%s; versions from %d on can", what, v.found.From, ErrIncomplete, v.begins(), w.Number)
			}
		}
	}
	return fmt.Errorf("%s from %s: %w%s; the evidence of no snapshot of decisions that has a version before it and another one behind it is left",
		what, v.found.From, ErrIncomplete, v.begins())
}

// begins says, in words, where the topics begin that retention took something of.
func (v *verification) begins() string {
	var all strings.Builder
	for _, p := range append(v.input(), decisionsPartition, mapsPartition) {
		if at := v.log.start(p); at > 0 {
			fmt.Fprintf(&all, ", %s begins at offset %d%s", p, at, v.reaches(p))
		}
	}
	return all.String()
}

// reaches says, in words, from which pane on a samples partition holds everything.
func (v *verification) reaches(p schemas.Partition) string {
	if p.Topic != schemas.Samples {
		return ""
	}
	for _, s := range v.panes[p.Number].all {
		if s.resume >= v.log.start(p) {
			return fmt.Sprintf(" (with the panes from %s on)", moment(s.start+v.genesis.Pane))
		}
	}
	return ""
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
