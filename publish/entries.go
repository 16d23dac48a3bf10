package publish

import (
	"slices"

	"detour/schemas/decision"
	"detour/schemas/pathmap"
)

// merge returns entries after the decisions, both sorted by resolver. A decision for the default path takes its
// resolver off the list. Entries itself is never written to: where nothing differs it is returned as it is, else a copy
// made of the runs between changes, so that a tick costs the copy of one slice and a binary search a decision.
func merge(entries []pathmap.Entry, decisions []decision.Decision, defaultPath uint8) []pathmap.Entry {
	var merged []pathmap.Entry
	done := 0 // entries[:done] are in merged, once there is a merged
	at := 0   // where the search for the next resolver starts: decisions are sorted, too
	for i := range decisions {
		d := &decisions[i]
		e := pathmap.Entry{Resolver: d.Resolver, Path: d.Path}
		n, found := slices.BinarySearchFunc(entries[at:], e, pathmap.Compare)
		at += n
		listed := d.Path != defaultPath && d.Gone == 0
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
		return entries
	}
	return append(merged, entries[done:]...)
}
