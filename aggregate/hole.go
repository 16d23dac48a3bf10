package aggregate

import (
	"slices"

	"detour/schemas/sample"
	"detour/schemas/window"
)

// missing reports whether something between what was heard of a source and h never came. Before its first range nothing
// was promised: the reports topic may begin anywhere, unless samples are known to be lost.
func missing(src *window.Source, h *sample.Head) bool {
	return h.From > src.Next && (src.Next > 0 || src.Torn)
}

// countHole counts what is missing before h, in one pane.
func countHole(src *window.Source, h *sample.Head, p *pane) {
	p.totals.Holes++
	if src.Next > 0 { // else nobody knows where the source began
		p.totals.Lost += h.From - src.Next
	}
}

// gap returns the panes of what came of a source behind its last range, up to the end of h. A row is at most the lateness
// behind its source's mark, and that was between the two. A row of a sealed pane would have counted in the oldest open one.
func (m *Machine) gap(src *window.Source, h *sample.Head) window.Span {
	g, before := m.genesis, src.Mark
	if !src.Heard {
		before = h.Origin
	}
	oldest := max(m.floor, m.unsealed(window.NoPane))
	return window.Span{
		From: max(oldest, g.PaneOf(min(before, h.Mark)-g.Lateness)),
		To:   max(oldest, g.PaneOf(max(before, h.Mark))),
	}
}

// lose notes that samples records were lost. Most often the next head of a source shows what it misses. It does not where
// the record held the source's first range, or one of the batches that a large report needs: then it may miss something.
func (m *Machine) lose() {
	m.torn = true
	for i := range m.sources {
		m.sources[i].Torn = true
	}
}

// incomplete reports whether the pane that starts at start may miss rows, and forgets the gaps that end with it.
func (m *Machine) incomplete(start int64) bool {
	touched := slices.ContainsFunc(m.gaps, func(s window.Span) bool { return s.Contains(start) })
	m.gaps = slices.DeleteFunc(m.gaps, func(s window.Span) bool { return s.To <= start })
	return touched
}
