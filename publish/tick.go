package publish

import (
	"fmt"

	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/decision"
	"detour/schemas/reject"
)

// applyDecisions takes records of the decisions partition, up to a tick that needs more of control or makes a version.
func (m *Machine) applyDecisions(records []schemas.Record, next int64) (out []schemas.Record, err error) {
	for i := range records {
		r := &records[i]
		m.decisions = r.Offset + 1
		out = m.collect(r, out)
		if m.waiting == nil {
			continue
		}
		if m.need = max(m.need, m.waiting.Tick.Positions.Control); m.control < m.need {
			return out, nil
		}
		made, err := m.settle()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.At(), err)
		}
		out = append(out, made...)
		if m.back != settled {
			return out, nil
		}
	}
	m.decisions = max(m.decisions, next)
	return out, nil
}

// collect takes one chunk; where it completes a tick that is kept, that tick is m.waiting. What can't be used is a reject
// and leaves a gap, which the next snapshot ends.
func (m *Machine) collect(r *schemas.Record, out []schemas.Record) []schemas.Record {
	batch, err := decision.Decode(r.Value)
	if err != nil {
		return refuse(out, r, reject.Undecodable, err)
	}
	if batch.Head.Genesis != m.hash {
		return refuse(out, r, reject.OffChain, fmt.Errorf("decisions of genesis %s, this log's is %s", batch.Head.Genesis, m.hash))
	}
	tick, err := m.ticks.Add(batch)
	if err == nil && tick != nil {
		err = m.check(tick)
	}
	if err != nil {
		return refuse(out, r, reject.Undecodable, err)
	}
	if err := m.lost(batch.Head.Tick); err != nil {
		return refuse(out, r, reject.OffChain, err)
	}
	if tick == nil {
		return out
	}
	if err := m.keep(tick, r); err != nil {
		return refuse(out, r, reject.OffChain, err)
	}
	return out
}

// check reports what no decider with this genesis writes. A number is no part of the digest, so it is held against the
// chain.
func (m *Machine) check(t *decision.Whole) error {
	if last := m.kept.Last(); last.Number > 0 && t.Tick.Previous == last.Digest && t.Tick.Number != last.Number+1 {
		return fmt.Errorf("tick %d follows tick %d", t.Tick.Number, last.Number)
	}
	return checkDecisions(t.Decisions, len(m.genesis.Paths), m.genesis.DefaultPath())
}

// lost reports a tick that comes too late: readers keep another one of its number.
func (m *Machine) lost(t *decision.Tick) error {
	last := m.kept.Last()
	if t == nil || t.Number != last.Number || t.Digest == last.Digest {
		return nil
	}
	return fmt.Errorf("tick %d is %.16s, the one kept is %.16s", t.Number, t.Digest, last.Digest)
}

// keep offers a complete tick to the chain. A repeat of what is known is neither kept nor an error. Nor is a tick behind a
// gap, but for the first: it changes a state that is not known here, and the next snapshot has all that it says.
func (m *Machine) keep(t *decision.Whole, r *schemas.Record) error {
	waiting := &pending{Whole: t, record: *r, kept: m.kept, certain: m.certain}
	link := t.Link()
	if relation := m.kept.Offer(link); relation != chunk.Stray {
		m.certain, m.gap = m.certain || relation == chunk.Next, false
		m.ticks.Skip(t.Pane)
		m.waiting = waiting
		return nil
	}
	switch last := m.kept.Last(); {
	case link.Number <= last.Number:
		return nil
	case last.Number > 0 && link.Number == last.Number+1:
		return fmt.Errorf("tick %d follows %.16s, the last one kept is %.16s", link.Number, link.Previous, last.Digest)
	case m.gap:
		return nil
	default:
		m.gap = true
		return fmt.Errorf("tick %d changes a state that can't be read: the last one kept is tick %d, waiting for a snapshot", link.Number, last.Number)
	}
}

// settle applies the tick in hand, now that control was read as far as the tick had.
func (m *Machine) settle() ([]schemas.Record, error) {
	t := m.waiting
	m.waiting = nil
	base := m.entries
	if t.Tick.Snapshot {
		base = nil
	}
	m.entries = merge(base, t.Decisions, m.genesis.DefaultPath())
	return m.publish(t)
}

// checkDecisions reports rows that can't be, of what a chunk by itself does not tell.
func checkDecisions(decisions []decision.Decision, paths int, defaultPath uint8) error {
	for i := range decisions {
		d := &decisions[i]
		if int(d.Path) >= paths || d.Exception == 1 && d.Path != defaultPath {
			return fmt.Errorf("decision %d puts %s on path %d of %d, exception %d", i, schemas.SubjectText(d.Subject()), d.Path, paths, d.Exception)
		}
		if i > 0 && decision.Compare(&decisions[i-1], d) >= 0 {
			return fmt.Errorf("decision %d, for %s, is out of order", i, schemas.SubjectText(d.Subject()))
		}
	}
	return nil
}
