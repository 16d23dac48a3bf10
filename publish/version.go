package publish

import (
	"fmt"
	"slices"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/pathmap"
)

// publish makes a version of the state after tick t where one is due. What may hold a version back or send it to a part
// of the fleet first belongs between the two steps: a version that is due, and its records.
func (m *Machine) publish(t *pending) ([]schemas.Record, error) {
	if !m.certain { // retention took what came before, and t may be the loser of a race: the next tick tells
		return nil, nil
	}
	policy, out := m.publishing(t)
	if !m.due(t, policy) {
		return out, nil
	}
	version, err := m.build(t, policy)
	if err != nil {
		return nil, fmt.Errorf("version %d: %w", m.last.Version+1, err)
	}
	records, err := version.Chunks(m.cfg.Attempt, m.cfg.ChunkBytes)
	m.last, m.published, m.back = version.Manifest, m.entries, written
	return append(out, records...), err
}

// due reports whether the state after t needs a version of its own.
func (m *Machine) due(t *pending, policy control.Publishing) bool {
	return m.last.Version == 0 || t.Tick.Policy != m.last.Policy || !slices.Equal(m.entries, m.published) ||
		t.Pane-m.last.Pane >= int64(policy.Renew)*m.genesis.Pane
}

// build makes the next version.
func (m *Machine) build(t *pending, policy control.Publishing) (*pathmap.Publication, error) {
	content := pathmap.Map{
		Genesis: m.hash,
		Policy:  t.Tick.Policy,
		Pane:    t.Pane,
		Paths:   m.genesis.PathIDs(),
		Default: m.genesis.DefaultPath(),
		Entries: m.entries,
	}
	data, err := content.Encode()
	if err != nil {
		return nil, err
	}
	prefixes, exceptions := content.Counts()
	created := t.Pane + m.genesis.Pane
	manifest := pathmap.Manifest{
		Version:    m.last.Version + 1,
		Digest:     pathmap.Digest(data),
		Previous:   m.last.Digest,
		Pane:       t.Pane,
		Created:    created,
		Expires:    created + int64(policy.Expiry)*m.genesis.Pane,
		Genesis:    m.hash,
		Policy:     t.Tick.Policy,
		Code:       m.cfg.Code,
		Entries:    len(m.entries),
		Prefixes:   prefixes,
		Exceptions: exceptions,
		Size:       len(data),
		Incomplete: t.Tick.Totals.Incomplete,
		Tick:       t.Tick.Number,
		TickDigest: t.Tick.Digest,
		Positions: pathmap.Positions{
			Decisions: m.decisions,
			Windows:   t.Tick.Positions.Windows,
			Control:   t.Tick.Positions.Control,
		},
	}
	if m.cfg.Key != nil {
		if err := manifest.Sign(m.cfg.Key); err != nil {
			return nil, err
		}
	}
	return &pathmap.Publication{Manifest: manifest, Bytes: data}, nil
}
