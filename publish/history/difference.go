package history

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"detour/schemas/chunk"
	"detour/schemas/pathmap"
)

// change is one resolver or prefix about which a map has another entry than the map before, or only one of them has one.
// Paths are names.
type change struct {
	Resolver       netip.Addr // with Bits as in pathmap.Entry
	Bits           uint8
	Path, Previous string // where the two maps send it, listed or not
	Listed         bool   // whether the map lists it; otherwise it is where its prefix is, or on the default path
}

// difference returns what to says otherwise than from, in a map's order. A map without paths lists nothing.
func difference(from, to *pathmap.Map) []change {
	var changes []change
	old := from.Entries
	drop := func() { // to has old[0] no more
		e := old[0]
		changes = append(changes, change{e.Resolver, e.Bits, to.Paths[to.PathOf(e)], from.Paths[e.Path], false})
		old = old[1:]
	}
	for _, e := range to.Entries {
		for len(old) > 0 && pathmap.Compare(old[0], e) < 0 {
			drop()
		}
		path, previous := to.Paths[e.Path], to.Paths[to.Default]
		if len(from.Paths) > 0 {
			previous = from.Paths[from.PathOf(e)]
		}
		listed := len(old) > 0 && pathmap.Compare(old[0], e) == 0
		if listed {
			old = old[1:]
		}
		if !listed || path != previous {
			changes = append(changes, change{e.Resolver, e.Bits, path, previous, true})
		}
	}
	for len(old) > 0 {
		drop()
	}
	return changes
}

// lastMap returns the newest version that is stored whole, after checking that its parts add up to its digest.
func (s *Store) lastMap(ctx context.Context) (chunk.Link, *pathmap.Map, error) {
	var version uint64
	var digest, byDefault string
	m := &pathmap.Map{}
	err := s.conn.QueryRow(ctx, `SELECT max(version), argMax(digest, version), argMax(genesis, version), argMax(policy, version),
		toUnixTimestamp64Milli(argMax(pane, version)), argMax(paths, version), argMax(default_path, version) FROM map_versions`,
	).Scan(&version, &digest, &m.Genesis, &m.Policy, &m.Pane, &m.Paths, &byDefault)
	if err != nil || version == 0 {
		return chunk.Link{}, nil, err
	}
	m.Default = uint8(slices.Index(m.Paths, byDefault))
	if m.Entries, err = s.entries(ctx, version, m.Paths); err != nil {
		return chunk.Link{}, nil, err
	}
	data, err := m.Encode()
	if err != nil {
		return chunk.Link{}, nil, fmt.Errorf("version %d as stored: %w", version, err)
	}
	if got := pathmap.Digest(data); got != digest {
		return chunk.Link{}, nil, fmt.Errorf("version %d as stored has digest %s, its manifest says %s", version, got, digest)
	}
	return chunk.Link{Number: int64(version), Digest: digest}, m, nil
}

// entries returns what a version lists, in a map's order.
func (s *Store) entries(ctx context.Context, version uint64, paths []string) ([]pathmap.Entry, error) {
	index := make(map[string]uint8, len(paths))
	for i, p := range paths {
		index[p] = uint8(i)
	}
	rows, err := s.conn.Query(ctx, fmt.Sprintf("SELECT resolver, path FROM map_at(version = %d)", version))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []pathmap.Entry
	for rows.Next() {
		var resolver, path string
		if err := rows.Scan(&resolver, &path); err != nil {
			return nil, err
		}
		e, err := entryOf(resolver)
		if err != nil {
			return nil, err
		}
		e.Path = index[path]
		entries = append(entries, e)
	}
	slices.SortFunc(entries, pathmap.Compare)
	return entries, rows.Err()
}

// entryOf reads what an entry is about, as detour_subject() writes it.
func entryOf(text string) (pathmap.Entry, error) {
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		return pathmap.Entry{Resolver: addr}, err
	}
	p, err := netip.ParsePrefix(text)
	return pathmap.Entry{Resolver: p.Addr(), Bits: uint8(p.Bits())}, err
}
