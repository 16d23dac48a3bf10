package replay

import (
	"context"

	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/window"
)

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
	if v.first == 0 {
		v.first = derived.Pane
	}
	v.through = derived.Pane
	v.suspect = v.suspect || derived.Tick.Totals.Incomplete
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
