package dns

import (
	"net/netip"

	"github.com/miekg/dns"
)

// respond returns the reply to a packet from a resolver, nil if there must be none. It packs into buf if it fits.
func (s *Server) respond(buf, packet []byte, resolver netip.Addr, udp bool) (reply []byte) {
	var q *query
	defer func() {
		if r := recover(); r != nil {
			s.noisy.Error().Interface("panic", r).Hex("packet", packet[:min(len(packet), udpSize)]).Msg("query not answered")
			reply = q.failure()
			s.rcodes[dns.RcodeServerFailure].Add(1)
		}
	}()
	q, rcode := parse(packet)
	if q == nil {
		return nil
	}
	m := q.reply()
	if rcode == dns.RcodeSuccess {
		rcode = s.answer(m, q, resolver)
	}
	limit := dns.MaxMsgSize
	if udp {
		limit = q.size
	}
	reply = pack(buf, m, q, rcode, limit)
	s.rcodes[rcode].Add(1)
	return reply
}

// answer fills a reply's sections and returns its code.
func (s *Server) answer(m *dns.Msg, q *query, resolver netip.Addr) int {
	if q.class != dns.ClassINET || q.qtype == dns.TypeAXFR || q.qtype == dns.TypeIXFR {
		return dns.RcodeRefused
	}
	name := dns.CanonicalName(q.name)
	n := s.zone.nodes[name]
	if n == nil && !dns.IsSubDomain(s.zone.apex, name) {
		return dns.RcodeRefused
	}
	v := s.current()
	m.Authoritative = true
	rcode := dns.RcodeSuccess
	if n == nil {
		rcode = dns.RcodeNameError
	} else {
		m.Answer = s.lookup(n, q, v, resolver)
	}
	switch {
	case len(m.Answer) == 0:
		m.Ns = []dns.RR{s.zone.start(s.zone.apex, s.zone.negative, v.serial())}
	case q.qtype == dns.TypeNS && n.apex:
		m.Extra = s.zone.glue()
	}
	return rcode
}

// lookup returns the records of the query's type at a node, empty if there are none.
func (s *Server) lookup(n *node, q *query, v *view, resolver netip.Addr) []dns.RR {
	at := n.hosts
	if n.service {
		p := s.choose(v, resolver)
		p.given.Add(1)
		at = &p.records
	}
	if q.qtype != dns.TypeANY {
		return s.ofType(n, at, q.name, q.qtype, v)
	}
	for _, t := range []uint16{dns.TypeSOA, dns.TypeA, dns.TypeAAAA} { // an alias is of any type
		if rrs := s.ofType(n, at, q.name, t, v); len(rrs) > 0 {
			return rrs // one set is enough: RFC 8482 section 4.1
		}
	}
	return nil
}

func (s *Server) ofType(n *node, at *records, name string, qtype uint16, v *view) []dns.RR {
	switch {
	case n.apex && qtype == dns.TypeSOA:
		return []dns.RR{s.zone.start(name, s.zone.ttl, v.serial())}
	case n.apex && qtype == dns.TypeNS:
		return s.zone.nameServers(name)
	case at != nil:
		return at.of(qtype, name)
	}
	return nil
}
