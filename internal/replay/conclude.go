package replay

import (
	"context"
	"slices"
	"strings"

	"detour/schemas"
)

// conclude looks at what the derivation did not lead to, and at what the log says of its own gaps.
func (v *verification) conclude(ctx context.Context, begin *start) error {
	f, began := v.found, begin.number()
	if f.Difference == nil {
		f.Difference = v.unreached(began)
	}
	if f.Difference == nil && len(f.Missing) > 0 {
		f.Difference = &f.Missing[0]
	}
	if err := v.listPanes(ctx, begin); err != nil {
		return err
	}
	f.UnreadableRecords = append(f.UnreadableRecords, v.log.unreadable...)
	f.Trimmed = v.trimmed()
	for i := range v.log.versions.all {
		if w := &v.log.versions.all[i]; v.target == 0 && w.tick <= began {
			f.Underived = append(f.Underived, w.Number)
		}
	}
	return nil
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

// refused takes what a machine could not read. Of windows, decisions and maps there is more to say: see listPanes and
// recorded.
func (v *verification) refused(u Unreadable) {
	switch topic, _, _ := strings.Cut(u.At, "/"); schemas.Topic(topic) {
	case schemas.Windows:
		v.suspect = true
		return
	case schemas.Samples, schemas.Control:
	default:
		return
	}
	if !slices.ContainsFunc(v.log.unreadable, func(known Unreadable) bool { return known.At == u.At }) {
		v.log.unreadable = append(v.log.unreadable, u)
	}
}

// listPanes lists the panes of the evidence that miss something. From windows it has to read them once more, which is done
// where something is known to be missing.
func (v *verification) listPanes(ctx context.Context, begin *start) error {
	if !v.samples {
		if v.through > 0 {
			v.found.Panes = int((v.through-v.first)/v.genesis.Pane+1) * v.genesis.Samples
		}
		if !v.suspect {
			return nil
		}
		for i, held := range v.panes {
			if begin.tick != nil {
				held.from = begin.tick.positions.Resume[i]
			}
			if err := v.log.readPanes(ctx, held); err != nil {
				return err
			}
		}
	}
	for number, held := range v.panes {
		for i := range held.all {
			p := &held.all[i]
			if p.start >= v.first && p.start <= v.through && p.totals.Incomplete {
				v.found.IncompletePanes = append(v.found.IncompletePanes, IncompletePane{
					Partition: int32(number), Pane: p.start, Holes: p.totals.Holes, Lost: p.totals.Lost,
				})
			}
		}
	}
	return nil
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
