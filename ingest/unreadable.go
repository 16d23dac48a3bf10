package ingest

import (
	"detour/schemas"
	"detour/schemas/reject"
)

// skip passes over a stretch that can't be read, which the first of records stands for: a reject, and a hole between the
// batches before and behind it.
func (m *Machine) skip(records []schemas.Record, next int64) error {
	m.state.Offset = records[0].Offset
	if m.state.Offset > m.from {
		if err := m.flush(); err != nil {
			return err
		}
	}
	if len(records) > 1 {
		next = records[1].Offset
	}
	m.state.Offset, m.from = next, next
	m.refuse(&records[0], nil, refusal{reject.Undecodable, "it can't be read"})
	return nil
}

// unreadable is Record.Unreadable, cheap for a record that has a value.
func unreadable(r *schemas.Record) (why string, lost bool) {
	if len(r.Value) > 0 {
		return "", false
	}
	return r.Unreadable()
}
