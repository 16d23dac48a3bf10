// Package dns answers the service's name by who asks. It is authoritative for one zone: at the service name a resolver
// gets the answer of the path that the installed map puts it on, everywhere else SOA, NS and what follows from them.
//
// It promises an answer from the last map that it was given for as long as it runs: it never looks at a map's age, and a
// map that names a path unknown here costs those resolvers their detour, not their answer. It does no recursion, no zone
// transfer and no DNSSEC.
package dns

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"github.com/rs/zerolog"

	"detour/internal/loglimit"
	"detour/schemas/pathmap"
)

// Maps returns the installed map and its version, or nil before there is one. It is called for every query, from many
// goroutines: it must be cheap, and return the same pointer until another map is installed, which nobody may change.
type Maps func() (m *pathmap.Map, version int64)

// Server is the authoritative server of one zone.
type Server struct {
	// Alias, if set (before Run), says which resolver a source address stands for; it must return an address for every
	// address. A demo or a test on one machine uses it: it asks from 127.x.y.z, each standing for a resolver elsewhere.
	Alias func(source netip.Addr) netip.Addr

	config   Config
	zone     *zone
	paths    map[string]*path
	fallback *path
	maps     Maps
	log      zerolog.Logger
	noisy    zerolog.Logger // for what an attacker could make us say for every packet

	rcodes *[rcodes]atomic.Uint64 // replies by code; apart from the fields that every query reads, as each writes here

	view  atomic.Pointer[view]
	renew sync.Mutex // held while a view is made

	addrs []netip.AddrPort
	ready chan struct{}
}

// New returns a server that answers with the paths' answers; defaultPath is the one for every resolver until there is
// a map. Its errors name the setting or the path.
func New(cfg Config, paths []PathAnswer, defaultPath string, maps Maps, log zerolog.Logger) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		config: cfg,
		zone:   newZone(&cfg),
		maps:   maps,
		log:    log,
		noisy:  loglimit.Limit{Every: time.Minute, Faults: 5}.Logger(log),
		rcodes: new([rcodes]atomic.Uint64),
		ready:  make(chan struct{}),
	}
	var err error
	if s.paths, err = newPaths(&cfg, paths); err != nil {
		return nil, err
	}
	if s.fallback = s.paths[defaultPath]; s.fallback == nil {
		return nil, fmt.Errorf("path %s: it is the default and has no answer", defaultPath)
	}
	return s, nil
}

// Given returns how many queries for the service name were answered with each path, every type counted, since New.
func (s *Server) Given() map[string]uint64 {
	given := make(map[string]uint64, len(s.paths))
	for id, p := range s.paths {
		given[id] = p.given.Load()
	}
	return given
}

// rcodes is how many response codes there may be: BADVERS is the largest that this server gives.
const rcodes = dns.RcodeBadVers + 1

// Replies returns how many replies were given, by response code, since New.
func (s *Server) Replies() map[string]uint64 {
	replies := make(map[string]uint64)
	for code := range s.rcodes {
		if n := s.rcodes[code].Load(); n > 0 || code == dns.RcodeSuccess {
			replies[dns.RcodeToString[code]] = n
		}
	}
	return replies
}

// Probe answers a query of its own as any other, and counts it nowhere. It returns unless the server hangs.
func (s *Server) Probe() {
	q := &query{name: s.zone.apex, qtype: dns.TypeSOA, class: dns.ClassINET, asked: true}
	s.answer(q.reply(), q, netip.IPv6Loopback())
}

// Ready is closed when every listener is bound. It never is if Run returns an error instead.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Addrs returns where the server listens, in the order of Config.Listen with the ports that were taken; only after Ready.
func (s *Server) Addrs() []netip.AddrPort { return s.addrs }
