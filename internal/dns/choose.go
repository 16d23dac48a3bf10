package dns

import (
	"net/netip"

	"detour/schemas/pathmap"
)

// view is a map with its catalogue translated to answers, so that a query does no look-up by name.
type view struct {
	m       *pathmap.Map
	version int64
	paths   []*path // by the map's path index
	unknown []string
}

// current returns the view of the installed map, and makes it once for each map.
func (s *Server) current() *view {
	m, version := s.maps()
	if v := s.view.Load(); v != nil && v.m == m && v.version == version {
		return v
	}
	s.renew.Lock()
	defer s.renew.Unlock()
	before := s.view.Load()
	if before != nil && before.m == m && before.version == version {
		return before
	}
	v := s.translate(m, version)
	s.complain(v, before)
	s.view.Store(v)
	return v
}

func (s *Server) translate(m *pathmap.Map, version int64) *view {
	v := &view{m: m, version: version}
	if m == nil {
		return v
	}
	for _, name := range m.Paths {
		p := s.paths[name]
		if p == nil {
			v.unknown = append(v.unknown, name)
			p = s.fallback
		}
		v.paths = append(v.paths, p)
	}
	return v
}

// complain logs the paths that this server has no answer for, once and not with every map that has them.
func (s *Server) complain(v, before *view) {
	known := make(map[string]bool)
	if before != nil {
		for _, name := range before.unknown {
			known[name] = true
		}
	}
	for _, name := range v.unknown {
		if !known[name] {
			s.log.Error().Str("path", name).Int64("version", v.version).Str("instead", s.fallback.id).
				Msg("map names a path without an answer here")
		}
	}
}

// choose returns the path of a resolver, known by a query's source address.
func (s *Server) choose(v *view, source netip.Addr) *path {
	if v.m == nil {
		return s.fallback
	}
	resolver := source.Unmap().WithZone("")
	if s.Alias != nil {
		resolver = s.Alias(resolver)
	}
	return v.paths[v.m.Path(resolver)]
}

// serial returns the SOA serial: the map's version modulo 2^32, or 1 before there is a map.
func (v *view) serial() uint32 {
	if v.m == nil {
		return 1
	}
	return uint32(v.version)
}
