package decide

import (
	"fmt"

	"detour/schemas"
	"detour/schemas/window"
)

// partition follows one windows partition, a pane at a time.
type partition struct {
	number  int32
	genesis string // hash
	paths   uint8
	panes   window.Assembler

	pane    *window.Pane // completed and not yet taken
	last    int64        // start of the pane completed last; window.NoPane before the first
	length  int64        // of a pane, ms
	began   int64        // offset from which pane can be read whole
	at      int64        // offset behind the record that completed it
	offset  int64        // to fetch next
	pending []schemas.Record
	known   int64 // offset up to which an earlier life has read: nothing before it is rejected again
}

func (p *partition) input() schemas.Input {
	return schemas.Input{Partition: schemas.Partition{Topic: schemas.Windows, Number: p.number}, Offset: p.offset, Wait: true}
}

// fetched takes records that were read at input. They wait, undecoded, until their pane is due.
func (p *partition) fetched(records []schemas.Record, next int64) {
	p.pending, p.offset = append(p.pending, records...), next
}

// complete goes through what is pending until a pane is complete. A record that does not decode is a reject.
func (p *partition) complete() (rejects []schemas.Record, err error) {
	for p.pane == nil && len(p.pending) > 0 {
		r := &p.pending[0]
		b, err := p.decode(r)
		if err == nil {
			err = p.add(r, b)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.At(), err)
			}
		} else if r.Offset >= p.known {
			rejects = append(rejects, undecodable(r, err))
		}
		p.pending = p.pending[1:]
	}
	if len(p.pending) == 0 {
		p.pending = nil
	}
	return rejects, nil
}

func (p *partition) decode(r *schemas.Record) (*window.Batch, error) {
	b, err := window.Decode(r.Value)
	if err != nil {
		return nil, err
	}
	for i := range b.Windows {
		if path := b.Windows[i].Path; path >= p.paths {
			return nil, fmt.Errorf("row %d: path %d of %d", i, path, p.paths)
		}
	}
	return b, nil
}

// add gives a chunk to its pane. Panes follow one another without a gap.
func (p *partition) add(r *schemas.Record, b *window.Batch) error {
	if b.Head.Genesis != p.genesis || b.Head.Partition != p.number {
		return fmt.Errorf("written for genesis %.16s, partition %d; this is genesis %.16s, partition %d",
			b.Head.Genesis, b.Head.Partition, p.genesis, p.number)
	}
	pane, err := p.panes.Add(b)
	if pane == nil || err != nil {
		return err
	}
	if p.last != window.NoPane && pane.Start != p.last+p.length {
		return fmt.Errorf("pane %d comes after pane %d: those between are missing", pane.Start, p.last)
	}
	p.pane, p.last = pane, pane.Start
	p.began, p.at = p.at, r.Offset+1
	return nil
}
