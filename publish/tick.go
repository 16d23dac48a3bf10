package publish

import (
	"fmt"
	"net/netip"
	"slices"

	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/reject"
)

// applyDecisions takes records of the decisions partition, up to a tick that needs more of control.
func (m *Machine) applyDecisions(records []schemas.Record, next int64) (out []schemas.Record, err error) {
	for i := range records {
		r := &records[i]
		m.decisions = r.Offset + 1
		if out, err = m.collect(r, out); err != nil {
			return nil, fmt.Errorf("%s: %w", r.At(), err)
		}
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
	}
	m.decisions = max(m.decisions, next)
	return out, nil
}

// collect takes one chunk; where it completes a tick that extends the last one, that tick is m.waiting.
func (m *Machine) collect(r *schemas.Record, out []schemas.Record) ([]schemas.Record, error) {
	batch, err := decision.Decode(r.Value)
	if err != nil {
		return m.refuse(out, r, reject.Undecodable, err), nil
	}
	if batch.Head.Genesis != m.hash {
		return nil, fmt.Errorf("decisions of genesis %s, this process is configured as %s", batch.Head.Genesis, m.hash)
	}
	tick, err := m.ticks.Add(batch)
	if err != nil {
		return m.refuse(out, r, reject.Undecodable, err), nil
	}
	if tick == nil {
		return out, nil
	}
	if err := m.admissible(tick); err != nil {
		return m.refuse(out, r, reject.OffChain, err), nil
	}
	m.ticks.Skip(tick.Pane)
	m.waiting = tick
	return out, checkDecisions(tick.Decisions, len(m.genesis.Paths))
}

// admissible says why a tick does not extend the last one.
func (m *Machine) admissible(t *decision.Whole) error {
	switch {
	case m.tickDigest != "" && t.Tick.Previous != m.tickDigest:
		return fmt.Errorf("tick %d follows %.16s, the last one kept is %.16s", t.Tick.Number, t.Tick.Previous, m.tickDigest)
	case m.tickDigest == "" && t.Tick.Previous != "" && !t.Tick.Snapshot:
		return fmt.Errorf("tick %d is changes to a state that is not in the log any more: waiting for a snapshot", t.Tick.Number)
	}
	return nil
}

// settle applies the tick in hand, now that control was read as far as the tick had.
func (m *Machine) settle() ([]schemas.Record, error) {
	t := m.waiting
	m.waiting = nil
	base := m.entries
	if m.tickDigest == "" { // a snapshot, or the first tick of all
		base = nil
	}
	entries := merge(base, t.Decisions, m.genesis.DefaultPath())
	moved := !slices.Equal(entries, m.entries)
	m.entries, m.tickDigest = entries, t.Tick.Digest
	return m.publish(t, moved)
}

// checkDecisions reports what no decider with this genesis writes.
func checkDecisions(decisions []decision.Decision, paths int) error {
	var before netip.Addr
	for i := range decisions {
		d := &decisions[i]
		if int(d.Path) >= paths || !d.Resolver.IsValid() || d.Resolver.Is4In6() || d.Resolver.Zone() != "" {
			return fmt.Errorf("decision %d puts resolver %s on path %d of %d", i, d.Resolver, d.Path, paths)
		}
		if before.Compare(d.Resolver) >= 0 {
			return fmt.Errorf("decision %d, for %s, is out of order", i, d.Resolver)
		}
		before = d.Resolver
	}
	return nil
}
