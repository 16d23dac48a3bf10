package aggregate

import (
	"math"

	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/window"
)

// chunkBytes is the default of Start.ChunkBytes.
const chunkBytes = 512 << 10

// sealsAtOnce is from how many records on one Apply seals no more, to bound memory when the watermark jumps: a source that
// was silent for a year has half a million panes.
const sealsAtOnce = 1000

// Watermark returns the time that the panes need not wait for, ms: the least of all sources. It is false until every
// source was heard or released, and one was heard.
func (m *Machine) Watermark() (ms int64, ok bool) {
	ms = math.MaxInt64
	heard := false
	for i := range m.sources {
		mark, known := m.sources[i].Watermark()
		if !known {
			return 0, false
		}
		ms, heard = min(ms, mark), heard || m.sources[i].Heard
	}
	return ms, heard
}

// begin fixes the first pane once there is a watermark: the earliest that a row of a source that was heard can be in.
func (m *Machine) begin() {
	if _, ok := m.Watermark(); !ok || m.through != window.NoPane {
		return
	}
	first := int64(math.MaxInt64)
	for _, s := range m.sources {
		if s.Heard {
			first = min(first, m.genesis.PaneOf(min(s.Origin, s.Mark)-m.genesis.Lateness))
		}
	}
	for start := range m.panes { // a mark that went down may have let rows in before its source's origin
		first = min(first, start)
	}
	m.through = first - m.genesis.Pane
}

// sealDue seals the panes that the watermark has passed, as far as sealsAtOnce allows.
func (m *Machine) sealDue() error {
	m.begin()
	for len(m.out) < sealsAtOnce && m.due() {
		if err := m.seal(m.through + m.genesis.Pane); err != nil {
			return err
		}
	}
	return nil
}

// due reports whether the watermark has passed the oldest pane that is not sealed.
func (m *Machine) due() bool {
	mark, ok := m.Watermark()
	return ok && m.through != window.NoPane && m.through+2*m.genesis.Pane+m.genesis.Lateness <= mark
}

// seal closes the pane at start and returns its windows, unless the log has them already.
func (m *Machine) seal(start int64) error {
	p := m.panes[start]
	if p == nil {
		p = &pane{}
	}
	delete(m.panes, start)
	m.through = start
	incomplete := m.incomplete(start)
	if start <= m.told {
		return nil
	}
	windows := p.windows(m.genesis)
	p.totals.Incomplete = incomplete
	return m.emit(start, windows, &window.Seal{
		Digest:  window.Digest(start, windows),
		Totals:  p.totals,
		Resume:  m.resume(),
		Through: start,
		Marks:   m.marks(),
	})
}

// resume returns the state at the earliest record that an open pane needs.
func (m *Machine) resume() window.Resume {
	earliest := m.state(m.next)
	for _, p := range m.panes {
		if p.resume.Offset < earliest.Offset {
			earliest = p.resume
		}
	}
	return earliest
}

func (m *Machine) marks() []int64 {
	marks := make([]int64, len(m.sources))
	for i := range m.sources {
		marks[i], _ = m.sources[i].Watermark()
	}
	return marks
}

// emit returns a pane's windows in chunks, the seal in the last.
func (m *Machine) emit(start int64, windows []window.Window, seal *window.Seal) error {
	parts := split(windows, m.chunkBytes)
	attempt := m.writing(seal.Digest)
	for i, part := range parts {
		b := window.Batch{Windows: part, Head: window.Head{
			Genesis:   m.hash,
			Partition: m.input.Number,
			Chunk:     chunk.Place{Whole: start, Attempt: attempt, Index: i, Count: len(parts)},
		}}
		if i == len(parts)-1 {
			b.Head.Seal = seal
		}
		value, err := b.Encode()
		if err != nil {
			return err
		}
		m.out = append(m.out, schemas.Record{
			Partition: schemas.Partition{Topic: schemas.Windows, Number: m.input.Number},
			Value:     value,
		})
	}
	return nil
}

// writing numbers this writing of a pane. Two owners who took over at the same end of the partition share m.attempt. Where
// what they say differs, since retention took samples from one of them, or where they cut chunks elsewhere, their chunks
// must not be put together: readers would find no writing whole.
func (m *Machine) writing(digest string) int64 {
	const bits = 16
	says := uint64(m.chunkBytes)
	for i := range len(digest) {
		says = mix(says, uint64(digest[i]))
	}
	return m.attempt<<bits | int64(says&(1<<bits-1))
}

// split cuts windows into runs of about so many bytes: one at least, empty for an empty pane.
func split(windows []window.Window, bytes int) [][]window.Window {
	const fixed, perBin = 110, 6 // bytes in the record
	parts := [][]window.Window{}
	from, size := 0, 0
	for i := range windows {
		size += fixed + perBin*(len(windows[i].Latency.Bins)+len(windows[i].Ratio.Bins))
		if size >= bytes {
			parts = append(parts, windows[from:i+1])
			from, size = i+1, 0
		}
	}
	if from < len(windows) || len(parts) == 0 {
		parts = append(parts, windows[from:])
	}
	return parts
}
