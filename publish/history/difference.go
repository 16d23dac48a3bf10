package history

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"detour/schemas/chunk"
	"detour/schemas/pathmap"
)

// change is one resolver that a map sends elsewhere than the map before. Paths are names.
type change struct {
	Resolver       netip.Addr
	Path, Previous string
	Listed         bool // whether the map lists it; otherwise it is back on the default path
}

// difference returns what to says otherwise than from, by resolver. A map without paths lists nothing.
func difference(from, to *pathmap.Map) []change {
	var changes []change
	byDefault := to.Paths[to.Default]
	old := from.Entries
	drop := func() { // the resolver of old[0] is in to no more
		changes = append(changes, change{old[0].Resolver, byDefault, from.Paths[old[0].Path], false})
		old = old[1:]
	}
	for _, e := range to.Entries {
		for len(old) > 0 && pathmap.Compare(old[0], e) < 0 {
			drop()
		}
		path, previous := to.Paths[e.Path], byDefault
		listed := len(old) > 0 && old[0].Resolver == e.Resolver
		if listed {
			previous, old = from.Paths[old[0].Path], old[1:]
		}
		if !listed || path != previous {
			changes = append(changes, change{e.Resolver, path, previous, true})
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
		addr, err := netip.ParseAddr(resolver)
		if err != nil {
			return nil, err
		}
		entries = append(entries, pathmap.Entry{Resolver: addr, Path: index[path]})
	}
	slices.SortFunc(entries, pathmap.Compare)
	return entries, rows.Err()
}
