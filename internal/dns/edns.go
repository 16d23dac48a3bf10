package dns

import (
	"encoding/binary"

	"github.com/miekg/dns"
)

// udpSize is the most that this server sends in one datagram, and says so: above it answers get fragmented, and
// fragments get lost or forged (DNS flag day 2020).
const udpSize = 1232

// options reads the OPT record: RFC 6891 section 6.1.3.
func (q *query) options(opt *record) int {
	q.edns = true
	q.size = min(max(int(opt.class), dns.MinMsgSize), udpSize)
	q.do = opt.ttl&(1<<15) != 0
	if version := opt.ttl >> 16 & 0xFF; version != 0 {
		return dns.RcodeBadVers // before the options, which may mean something else in that version
	}
	for data := opt.data; len(data) > 0; {
		if len(data) < 4 {
			return dns.RcodeFormatError
		}
		code, size := binary.BigEndian.Uint16(data), int(binary.BigEndian.Uint16(data[2:]))
		if data = data[4:]; size > len(data) {
			return dns.RcodeFormatError
		}
		if code == dns.EDNS0SUBNET {
			if q.subnet != nil || !validSubnet(data[:size]) {
				return dns.RcodeFormatError
			}
			q.subnet = data[:size]
		}
		data = data[size:]
	}
	return dns.RcodeSuccess
}

// validSubnet checks the data of a query's client subnet option as RFC 7871 sections 6 and 7.1.2 ask for: a known family, a
// prefix that fits it, scope 0, and the address in as many bytes as the prefix needs with zeros behind it.
func validSubnet(data []byte) bool {
	if len(data) < 4 {
		return false
	}
	var bits int // of the family's addresses
	switch binary.BigEndian.Uint16(data) {
	case 0: // says "nothing", and can say no more
	case 1:
		bits = 32
	case 2:
		bits = 128
	default:
		return false
	}
	prefix, scope, addr := int(data[2]), data[3], data[4:]
	if prefix > bits || scope != 0 || len(addr) != (prefix+7)/8 {
		return false
	}
	return prefix%8 == 0 || addr[len(addr)-1]<<(prefix%8) == 0
}

// opt returns the OPT record of the reply. Its client subnet option is the query's own bytes: the scope in them is 0,
// which is what we answer, since the resolver's address decides and not its client's (RFC 7871 section 7.2.1).
func (q *query) opt(rcode int) *dns.OPT {
	o := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	o.SetUDPSize(udpSize)
	o.SetExtendedRcode(uint16(rcode))
	if q.do {
		o.SetDo() // RFC 3225 section 3
	}
	if q.subnet != nil && rcode != dns.RcodeBadVers {
		o.Option = append(o.Option, &dns.EDNS0_LOCAL{Code: dns.EDNS0SUBNET, Data: q.subnet})
	}
	return o
}
