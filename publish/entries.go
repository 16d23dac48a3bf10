package publish

import (
	"slices"

	"detour/schemas/decision"
	"detour/schemas/pathmap"
)

// merge returns the entries of the map after the decisions, both in their order, which is the same. Entries itself is
// never written to: where nothing differs it is returned as it is. What is where its prefix is has no entry, and is
// forgotten here: see decision.Decision for who says it again when the prefix moves.
func merge(entries []pathmap.Entry, decisions []decision.Decision, defaultPath uint8) []pathmap.Entry {
	merged := apply(entries, decisions, defaultPath)
	if merged == nil {
		return entries
	}
	merged = pathmap.Necessary(merged, defaultPath)
	if slices.Equal(merged, entries) {
		return entries
	}
	return merged
}

// apply returns the entries with what the decisions say in the place of what was there, or nil where that is the same. A
// copy is made of the runs between changes, so that a tick costs the copy of one slice and a binary search a decision.
func apply(entries []pathmap.Entry, decisions []decision.Decision, defaultPath uint8) []pathmap.Entry {
	var merged []pathmap.Entry
	done := 0 // entries[:done] are in merged, once there is a merged
	at := 0   // where the search for the next subject starts: decisions are sorted, too
	for i := range decisions {
		d := &decisions[i]
		e := pathmap.Entry{Resolver: d.Resolver, Bits: d.Bits, Path: d.Path}
		n, found := slices.BinarySearchFunc(entries[at:], e, pathmap.Compare)
		at += n
		listed := d.Gone == 0 && (d.Path != defaultPath || d.Exception == 1)
		if found == listed && (!found || entries[at] == e) {
			continue
		}
		if merged == nil {
			merged = make([]pathmap.Entry, 0, len(entries)+len(decisions)-i)
		}
		merged = append(merged, entries[done:at]...)
		done = at
		if found {
			done++
		}
		if listed {
			merged = append(merged, e)
		}
	}
	if merged == nil {
		return nil
	}
	return append(merged, entries[done:]...)
}
