package decide

import (
	"fmt"

	"detour/schemas"
	"detour/schemas/window"
)

// partition follows one windows partition, a pane at a time. Its writer writes panes in order: a pane that was not
// complete before a later one is will never be.
type partition struct {
	number  int32
	genesis string // hash
	paths   uint8
	length  int64 // of a pane, ms
	panes   window.Assembler

	pane    *window.Pane // completed and not yet taken: the one that is due or, where panes are missing, a later one
	fresh   bool         // none was taken yet, nor by an earlier life
	holed   bool         // something that stood before the first pane can't be read
	began   int64        // offset from which pane can be read whole
	at      int64        // offset behind the record that completed it
	offset  int64        // to fetch next
	pending []schemas.Record
	known   int64 // offset up to which an earlier life has read: nothing before it is rejected again
}

func (p *partition) input() schemas.Input {
	return schemas.Input{Partition: schemas.Partition{Topic: schemas.Windows, Number: p.number}, Offset: p.offset, Wait: true}
}

// resume makes p begin at an offset from which panes behind the one that starts at last can be read.
func (p *partition) resume(offset, known, last int64) {
	p.offset, p.at, p.known = offset, offset, known
	p.fresh = offset == 0
	p.panes.Skip(last)
}

// overrun makes p begin at a later offset, since what was before is gone.
func (p *partition) overrun(offset int64) { p.offset, p.at, p.holed = offset, offset, true }

// fetched takes records that were read at input. They wait, undecoded, until their pane is due.
func (p *partition) fetched(records []schemas.Record, next int64) {
	p.pending, p.offset = append(p.pending, records...), next
}

// complete goes through what is pending until a pane is complete. A record that is of no use is a reject.
func (p *partition) complete() (rejects []schemas.Record) {
	for p.pane == nil && len(p.pending) > 0 {
		r := &p.pending[0]
		pane, err := p.add(r)
		if err != nil {
			p.holed = true
			if r.Offset >= p.known {
				rejects = append(rejects, undecodable(r, err))
			}
		}
		if pane != nil {
			p.pane, p.began, p.at = pane, p.at, r.Offset+1
		}
		p.pending = p.pending[1:]
	}
	if len(p.pending) == 0 {
		p.pending = nil
	}
	return rejects
}

// add gives a record's chunk to its pane, and returns the pane once it is complete.
func (p *partition) add(r *schemas.Record) (*window.Pane, error) {
	b, err := window.Decode(r.Value)
	if err == nil {
		err = p.check(b)
	}
	if err != nil {
		return nil, err
	}
	return p.panes.Add(b)
}

// check reports a chunk that the aggregator of this partition does not write.
func (p *partition) check(b *window.Batch) error {
	h := &b.Head
	if h.Genesis != p.genesis || h.Partition != p.number {
		return fmt.Errorf("written for genesis %.16s, partition %d; this is genesis %.16s, partition %d",
			h.Genesis, h.Partition, p.genesis, p.number)
	}
	if h.Chunk.Whole%p.length != 0 {
		return fmt.Errorf("pane %d is not one of %d ms", h.Chunk.Whole, p.length)
	}
	for i := range b.Windows {
		if path := b.Windows[i].Path; path >= p.paths {
			return fmt.Errorf("row %d: path %d of %d", i, path, p.paths)
		}
	}
	return nil
}

// take returns the pane that starts at due, nil where there is none, and whether something is missing of it. A partition
// that begins later than others misses nothing before its first pane, unless it is known to have lost its beginning. If
// due is the very first pane of the stage, it stands for what a partition may have lost before it.
func (p *partition) take(due int64, begins bool) (pane *window.Pane, missing bool) {
	if p.pane.Start != due {
		return nil, !p.fresh || p.holed
	}
	pane, missing = p.pane, begins && p.holed
	p.pane, p.fresh = nil, false
	return pane, missing
}
