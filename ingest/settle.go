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

// settled makes the mark what it is before the first of records, which were read up to next. It reports false where
// that takes more of the log.
func (m *Machine) settled(records []schemas.Record, next int64) bool {
	for m.contradicts(&records[0]) {
		m.scout.look(records[0].Offset, records, next, m.genesis)
		mark, ok := m.scout.settle(&m.state, m.genesis)
		if !ok || m.state.Heard && mark == m.state.Mark {
			return ok
		}
		m.state.begin(mark)
	}
	return true
}

func (m *Machine) contradicts(r *schemas.Record) bool {
	if m.state.Heard && !m.state.tooOld(r.Time, m.genesis) && !m.state.tooFar(r.Time, m.genesis) || !m.genesis.Possible(r.Time) {
		return false
	}
	_, beat := r.Header(schemas.HeartbeatHeader)
	return !beat
}
