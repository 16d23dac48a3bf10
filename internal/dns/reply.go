package dns

import (
	"github.com/miekg/dns"
)

// reply returns the empty reply to a query. RD and CD are copied; RA and AD stay 0, for this server neither recurses
// nor validates.
func (q *query) reply() *dns.Msg {
	m := &dns.Msg{MsgHdr: dns.MsgHdr{
		Id:               q.id,
		Response:         true,
		Opcode:           q.opcode,
		RecursionDesired: q.rd,
		CheckingDisabled: q.cd,
	}}
	if q.asked {
		m.Question = []dns.Question{{Name: q.name, Qtype: q.qtype, Qclass: q.class}}
	}
	return m
}

// pack returns a reply's bytes, at most limit of them. What does not fit is left out: first the addresses of name servers,
// which the client can ask for (RFC 2181 section 9), then everything, with TC set.
func pack(buf []byte, m *dns.Msg, q *query, rcode, limit int) []byte {
	m.Rcode = rcode
	m.Compress = true
	var opt []dns.RR
	if q.edns {
		opt = []dns.RR{q.opt(rcode)}
	}
	glue := m.Extra
	m.Extra = append(glue, opt...)
	out := mustPack(m, buf)
	if len(out) > limit && len(glue) > 0 {
		m.Extra = opt
		out = mustPack(m, buf)
	}
	if len(out) > limit {
		m.Answer, m.Ns, m.Extra, m.Truncated = nil, nil, opt, true
		out = mustPack(m, buf)
	}
	return out
}

// mustPack panics where a message cannot be packed: respond answers for that.
func mustPack(m *dns.Msg, buf []byte) []byte {
	out, err := m.PackBuffer(buf)
	if err != nil {
		panic(err)
	}
	return out
}

// failure returns SERVFAIL for a query that panicked, nil if even that cannot be said.
func (q *query) failure() []byte {
	if q == nil {
		return nil
	}
	m := q.reply()
	m.Rcode = dns.RcodeServerFailure
	if q.edns {
		m.Extra = []dns.RR{q.opt(m.Rcode)}
	}
	out, err := m.Pack()
	if err != nil {
		return nil
	}
	return out
}
