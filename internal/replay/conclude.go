package replay

import "detour/schemas/window"

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
