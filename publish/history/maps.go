package history

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/pathmap"
)

// mapSink stores the versions of the maps partition, each as its difference to the version stored before it.
type mapSink struct {
	h        *History
	versions pathmap.Assembler
	keep     keeper[*version]
	last     chunk.Link   // of the last version stored
	base     *pathmap.Map // its content; empty before the first
	doubt    bool
	seals    seals
}

// version is a complete one, decoded.
type version struct {
	manifest *pathmap.Manifest
	content  *pathmap.Map
}

func newMapSink(h *History) *mapSink {
	return &mapSink{h: h, keep: keeper[*version]{h: h, what: "version"}, doubt: true, seals: seals{h: h, table: "map_versions"}}
}

// resume takes the last version from ClickHouse and not from the log: a difference has to add up to what is stored, and
// the log may no longer hold that version.
func (s *mapSink) resume(ctx context.Context) (bool, error) {
	s.base = &pathmap.Map{}
	err := s.h.store.wait.until(ctx, func(ctx context.Context) error {
		last, base, err := s.h.store.lastMap(ctx)
		if err == nil && last.Number > 0 {
			s.last, s.base = last, base
		}
		return err
	})
	if err != nil || s.last.Number == 0 {
		return false, err
	}
	s.keep.resume(s.last)
	s.versions.Skip(s.last.Number)
	s.h.progress.with(func(p *Progress) { p.Version = s.last.Number })
	return true, nil
}

func (s *mapSink) take(r *schemas.Record) (func(context.Context) error, error) {
	p, err := s.versions.Add(r)
	if err != nil || p == nil {
		return nil, err
	}
	m := &p.Manifest
	if err := s.h.same(m.Genesis); err != nil {
		return nil, err
	}
	if err := storable(m.Pane, m.Created, m.Expires); err != nil {
		return nil, err
	}
	content, err := m.Open(p.Bytes)
	if err != nil {
		return nil, err
	}
	link := chunk.Link{Number: m.Version, Digest: m.Digest, Previous: m.Previous, Full: true}
	store, kept := s.keep.offer(r, link, &version{m, content})
	if kept {
		s.versions.Skip(m.Version)
	}
	return oneByOne(store, s.store), nil
}

func (s *mapSink) store(ctx context.Context, v *version) error {
	m, content := v.manifest, v.content
	changes := difference(s.base, content)
	version := uint64(m.Version)
	token := fmt.Sprintf("%d/%s/%s", version, m.Digest, s.last.Digest)
	rows := &rows{
		table: "map_changes", token: token, n: len(changes), doubt: s.doubt,
		add: func(b driver.Batch, i int) error {
			c := &changes[i]
			return b.Append(version, c.Resolver, c.Path, c.Previous, c.Listed, c.Bits)
		},
		kept: &kept{
			query: "SELECT concat(hex(resolver), '/', toString(bits)) FROM map_changes WHERE version = $1",
			args:  []any{version},
			key:   func(i int) string { return hexSubject(changes[i].Resolver, changes[i].Bits) },
		},
	}
	if err := s.h.insert(ctx, rows); err != nil {
		return err
	}
	s.doubt = rows.stillDoubt()
	s.seals.add(token,
		version, m.Digest, m.Previous, time.UnixMilli(m.Pane).UTC(), time.UnixMilli(m.Created).UTC(), time.UnixMilli(m.Expires).UTC(),
		m.Genesis, m.Policy, m.Code, uint64(m.Entries), uint64(m.Size), m.Incomplete, uint64(m.Tick), uint64(len(changes)),
		content.Paths, content.Paths[content.Default],
		m.Positions.Decisions, m.Positions.Windows, m.Positions.Control, base64.StdEncoding.EncodeToString(m.Signature),
		uint64(m.Prefixes), uint64(m.Exceptions),
	)
	s.last, s.base = chunk.Link{Number: m.Version, Digest: m.Digest}, content
	return nil
}

func (s *mapSink) flush(ctx context.Context) error {
	if err := s.seals.flush(ctx); err != nil {
		return err
	}
	s.h.progress.with(func(p *Progress) { p.Version = s.last.Number })
	return nil
}
