package decide

import (
	"fmt"

	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/decision"
)

// maxRows is how many decisions go into one record: a row takes about 90 bytes, so that a record stays well below the
// 1 MiB that brokers take by default.
const maxRows = 4096

// write returns the records of the tick that m.last describes.
func (m *Machine) write(rows []decision.Decision) ([]schemas.Record, error) {
	count := max(1, (len(rows)+maxRows-1)/maxRows)
	out := make([]schemas.Record, 0, count)
	for i := range count {
		b := decision.Batch{
			Head: decision.Head{
				Genesis: m.genesis,
				Chunk:   chunk.Place{Whole: m.through, Attempt: m.attempt, Index: i, Count: count},
			},
			Decisions: rows[i*maxRows : min(len(rows), (i+1)*maxRows)],
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
	p := decision.Positions{Resume: oldest.resume, From: oldest.start, Control: m.control.offset}
	for _, part := range m.partitions {
		p.Windows = append(p.Windows, part.at)
	}
	return p
}
