package replay

import (
	"cmp"
	"slices"

	"detour/schemas"
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
		if t.state == "" || n == 0 || n == len(versions) || v.log.versions.missing(versions[n-1].Number+1) || !v.covered(t) {
			continue // no snapshot, no version before it or behind it, perhaps another one before it, or its evidence is gone
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
