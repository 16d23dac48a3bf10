package ingest

import "detour/schemas"

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
