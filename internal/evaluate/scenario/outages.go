package scenario

import (
	"slices"

	"detour/internal/evaluate"
	"detour/internal/world"
)

// outages returns the scenario's outages as an evaluation speaks of them: by the paths that die. One that hits a path for
// some and both for others is two. Those of less than half of the requests leave a path alive.
func outages(w *world.World) (out []evaluate.Outage) {
	s := w.Scenario()
	for i, f := range s.Faults {
		if f.Kind != world.Outage || f.Share > 0 && f.Share <= 0.5 {
			continue
		}
		hit := populations(w, i)
		for _, span := range s.Spans(i) {
			from, to := pane(&s, span.From), pane(&s, span.To+paneMs-1)
			for path, list := range hit {
				if len(list) > 0 {
					out = append(out, evaluate.Outage{Populations: list, Path: path - 1, From: from, To: to})
				}
			}
		}
	}
	return out
}

func pane(s *world.Scenario, t int64) int { return int((t - s.Start.UnixMilli()) / paneMs) }

// populations returns whom a fault hits, ascending: first those that lose every path, then those that lose one, by path.
func populations(w *world.World, fault int) (hit [1 + world.PathCount][]int) {
	cells := w.Cells()
	for _, h := range w.AffectedBy(fault) {
		at := 0
		if slices.Contains(h.Paths[:], false) {
			at = 1 + slices.Index(h.Paths[:], true)
		}
		hit[at] = append(hit[at], cells[h.Cell].Population)
	}
	for i := range hit {
		slices.Sort(hit[i])
		hit[i] = slices.Compact(hit[i])
	}
	return hit
}
