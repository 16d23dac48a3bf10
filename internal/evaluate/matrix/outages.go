package matrix

import (
	"cmp"
	"slices"

	"detour/internal/evaluate"
)

// outages returns the times in which clients had no answer over a path, or over both. The first slice begins none: nobody
// knew anything before it. Nor does one without rows end any.
func (tr *trace) outages() []evaluate.Outage {
	type key struct{ path, from, to int }
	found := map[key][]int{}
	for client := range tr.clients {
		state, since := up, 0
		for s := 0; s <= len(tr.slices); s++ {
			now := up
			if s < len(tr.slices) {
				now = tr.down(s, client)
			}
			if now == state {
				continue
			}
			if state != up && since > 0 {
				k := key{state, tr.pane(since), tr.pane(s)}
				found[k] = append(found[k], client)
			}
			state, since = now, s
		}
	}
	var out []evaluate.Outage
	for k, clients := range found {
		out = append(out, evaluate.Outage{Populations: clients, Path: k.path, From: k.from, To: k.to})
	}
	slices.SortFunc(out, func(a, b evaluate.Outage) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Path, b.Path))
	})
	return out
}

// up is that no path is down.
const up = paths

// down returns which path of a client is down in a slice: both are evaluate.LastMile.
func (tr *trace) down(slice, client int) int {
	l := tr.at(slice, client)
	switch a, b := l.over(direct).up, l.over(proxy).up; {
	case a && b:
		return up
	case b:
		return direct
	case a:
		return proxy
	}
	return evaluate.LastMile
}

// pane returns the first pane of a slice, or the one behind the last slice.
func (tr *trace) pane(slice int) int {
	if slice == len(tr.slices) {
		return tr.span() * PanesPerSlice
	}
	return (tr.slices[slice] - tr.slices[0]) * PanesPerSlice
}
