package decide

import (
	"fmt"

	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/decision"
)

// maxRows is how many decisions go into one record, unless Config says otherwise: a row takes about 90 bytes, so that a record stays well below the
// 1 MiB that brokers take by default.
const maxRows = 4096

// write returns the records of the tick that m.last describes.
func (m *Machine) write(rows []decision.Decision) ([]schemas.Record, error) {
	count := max(1, (len(rows)+m.rows-1)/m.rows)
	out := make([]schemas.Record, 0, count)
	for i := range count {
		b := decision.Batch{
			Head: decision.Head{
				Genesis: m.genesis,
				Chunk:   chunk.Place{Whole: m.through, Attempt: m.attempt, Index: i, Count: count},
			},
			Decisions: rows[i*m.rows : min(len(rows), (i+1)*m.rows)],
		}
		if i == count-1 {
			b.Head.Tick = &m.last
		}
		value, err := b.Encode()
		if err != nil {
			return nil, fmt.Errorf("tick %d: %w", m.last.Number, err)
		}
		out = append(out, schemas.Record{Partition: schemas.Partition{Topic: schemas.Decisions}, Value: value})
	}
	return out, nil
}

// positions tells how far the tick had read, and where one that takes over has to begin.
func (m *Machine) positions() decision.Positions {
	oldest := m.evidence.oldest()
	p := decision.Positions{
		Resume: oldest.resume, From: oldest.start, Reach: m.evidence.outages.panes[0].start, Control: m.control.offset,
	}
	if m.evidence.incomplete() {
		p.Missing = m.evidence.missing
	}
	for _, part := range m.partitions {
		p.Windows = append(p.Windows, part.at)
	}
	return p
}
