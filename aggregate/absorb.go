package aggregate

import (
	"detour/schemas/sample"
	"detour/schemas/window"
)

// absorb takes the samples record at offset: it adds rows to their panes and notes how far the source has come. Until it
// has opened the panes that it needs it changes nothing that the state before it holds, but for sources that are new.
func (m *Machine) absorb(b *sample.Batch, offset int64) {
	h := &b.Head
	m.grow(h.Sources)
	src := m.sources[h.Source]
	if h.Release != nil {
		m.sources[h.Source].Released = *h.Release
		return
	}
	gap := m.gap(&src, h)
	if missing(&src, h) {
		countHole(&src, h, m.open(gap.From, offset))
	}
	for i := range b.Samples {
		s := &b.Samples[i]
		if s.Offset < src.Offset || s.Offset == src.Offset && s.Ordinal <= src.Ordinal {
			continue
		}
		src.Offset, src.Ordinal = s.Offset, s.Ordinal
		start := m.genesis.PaneOf(s.Time)
		p := m.open(start, offset)
		p.add(h.Source, s, start <= m.through)
	}
	doubtful := src.Torn || missing(&src, h)
	if src.Hear(h) && doubtful {
		m.gaps = window.Join(m.gaps, gap)
	}
	m.sources[h.Source] = src
}

// grow makes room for as many sources as a head tells of. Before the first pane is sealed, a new one has to be heard.
// Later it starts where the panes are: at the least mark of all others.
func (m *Machine) grow(sources int) {
	if len(m.sources) >= sources {
		return
	}
	added := window.Source{Offset: -1, Torn: m.torn}
	if mark, ok := m.Watermark(); ok && m.through != window.NoPane {
		added.Heard, added.Origin, added.Mark = true, mark, mark
	}
	for len(m.sources) < sources {
		m.sources = append(m.sources, added)
	}
}
