package history

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"detour/schemas"
	"detour/schemas/pathmap"
)

// mapSink stores the versions of the maps partition, each as its difference to the version stored before it.
type mapSink struct {
	h        *History
	versions pathmap.Assembler
	last     link
	base     *pathmap.Map // content of version last; empty before the first
	seals    seals
}

func newMapSink(h *History) *mapSink {
	return &mapSink{h: h, seals: seals{h: h, table: "map_versions"}}
}

// resume takes the last version from ClickHouse and not from the log: a difference has to add up to what is stored, and
// the log may no longer hold that version.
func (s *mapSink) resume(ctx context.Context) error {
	s.base = &pathmap.Map{}
	return s.h.store.wait.until(ctx, func(ctx context.Context) error {
		last, base, err := s.h.store.lastMap(ctx)
		if err != nil || last.number == 0 {
			return err
		}
		s.last, s.base = last, base
		s.versions.Skip(last.number)
		s.h.progress.with(func(p *Progress) { p.Version = last.number })
		return nil
	})
}

func (s *mapSink) take(r *schemas.Record) (func(context.Context) error, error) {
	p, err := s.versions.Add(r)
	if err != nil || p == nil {
		return nil, err
	}
	if err := s.h.same(p.Manifest.Genesis, r); err != nil {
		return nil, err
	}
	content, err := p.Manifest.Open(p.Bytes)
	if err != nil {
		return nil, err
	}
	next := link{p.Manifest.Version, p.Manifest.Digest}
	if !s.h.extends(r, s.last, next, p.Manifest.Previous) {
		return nil, nil
	}
	return func(ctx context.Context) error {
		if err := s.store(ctx, &p.Manifest, content); err != nil {
			return err
		}
		s.last, s.base = next, content
		return nil
	}, nil
}

func (s *mapSink) store(ctx context.Context, m *pathmap.Manifest, content *pathmap.Map) error {
	changes := difference(s.base, content)
	version := uint64(m.Version)
	token := fmt.Sprintf("%d/%s/%s", version, m.Digest, s.last.digest)
	err := s.h.insert(ctx, "map_changes", token, len(changes), func(b driver.Batch, i int) error {
		c := &changes[i]
		return b.Append(version, c.Resolver, c.Path, c.Previous, c.Listed)
	})
	if err != nil {
		return err
	}
	s.seals.add(token,
		version, m.Digest, m.Previous, time.UnixMilli(m.Pane).UTC(), time.UnixMilli(m.Created).UTC(), time.UnixMilli(m.Expires).UTC(),
		m.Genesis, m.Policy, m.Code, uint64(m.Entries), uint64(m.Size), m.Incomplete, uint64(m.Tick), uint64(len(changes)),
		content.Paths, content.Paths[content.Default],
		m.Positions.Decisions, m.Positions.Windows, m.Positions.Control, base64.StdEncoding.EncodeToString(m.Signature),
	)
	return nil
}

func (s *mapSink) flush(ctx context.Context) error {
	if err := s.seals.flush(ctx); err != nil {
		return err
	}
	s.h.progress.with(func(p *Progress) { p.Version = s.last.number })
	return nil
}
