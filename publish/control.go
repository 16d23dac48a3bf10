package publish

import (
	"fmt"

	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/reject"
)

// pending is a tick that was kept.
type pending struct {
	*decision.Whole
	record  schemas.Record // that completed it
	kept    chunk.Chain    // without it
	certain bool           // without it
}

func (m *Machine) applyControl(records []schemas.Record, next int64) (out []schemas.Record, err error) {
	if m.waiting != nil && m.missing(records, next > m.control) {
		return m.giveUp(), nil
	}
	for i := range records {
		if records[i].Offset >= m.need {
			next = records[i].Offset // invariant 1
			break
		}
		if out, err = m.learn(&records[i], out); err != nil {
			return nil, err
		}
	}
	m.control = next
	if m.control < m.need || m.waiting == nil {
		return out, nil
	}
	made, err := m.settle()
	return append(out, made...), err
}

// giveUp refuses the tick in hand: control is kept for ever, and it does not go as far as the tick says that it had read.
func (m *Machine) giveUp() []schemas.Record {
	t := m.waiting
	m.kept, m.certain = t.kept, t.certain
	m.waiting, m.need, m.empty = nil, m.control, 0
	return refuse(nil, &t.record, reject.Undecodable,
		fmt.Errorf("tick %d says that it had read control to %d, which ends at %d", t.Tick.Number, t.Tick.Positions.Control, m.control))
}

// learn takes one record of control. Those that the last version had read past were told of then.
func (m *Machine) learn(r *schemas.Record, out []schemas.Record) ([]schemas.Record, error) {
	c, err := control.Decode(r.Value)
	switch {
	case !m.begun && err != nil:
		return nil, fmt.Errorf("the log's genesis, %s: %w", r.At(), err)
	case !m.begun && c.Genesis == nil:
		return nil, fmt.Errorf("%s is not a genesis, which has to come first", r.At())
	case !m.begun:
		m.begun = true
		return out, m.genesis.Differs(c.Genesis)
	case err == nil && c.Policy != nil:
		m.latest = c.Policy.Publish
		m.policies[c.Policy.Hash()] = m.latest
		return out, nil
	case r.Offset < m.last.Positions.Control:
		return out, nil
	case err != nil:
		return refuse(out, r, reject.Undecodable, err), nil
	}
	if err := m.genesis.Differs(c.Genesis); err != nil {
		return refuse(out, r, reject.OffChain, fmt.Errorf("a second genesis: %w", err)), nil
	}
	return out, nil // two processes may begin a log at once
}

// publishing returns what the policy of the tick in hand says of versions. Where control holds it no more, its record was
// damaged: the expiry and the renewal of the policy before it go on, which is the same for whoever reads this log.
func (m *Machine) publishing(t *pending) (policy control.Publishing, out []schemas.Record) {
	policy, known := m.policies[t.Tick.Policy]
	if known {
		return policy, nil
	}
	if m.unknown != t.Tick.Policy {
		m.unknown = t.Tick.Policy
		out = refuse(nil, &t.record, reject.Undecodable, fmt.Errorf("tick %d is of policy %s, which control does not hold before offset %d: "+
			"it counts, with expiry and renewal of the policy before", t.Tick.Number, t.Tick.Policy, t.Tick.Positions.Control))
	}
	return m.latest, out
}
