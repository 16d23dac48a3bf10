package dns

import (
	"net"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// records are the addresses, or the alias, at one name.
type records struct {
	ttl   uint32 // seconds
	a     []net.IP
	aaaa  []net.IP
	cname string
}

func newRecords(ttl uint32, a Answer) records {
	r := records{ttl: ttl, a: ips(a.A), aaaa: ips(a.AAAA)}
	if a.CNAME != "" {
		r.cname = dns.Fqdn(a.CNAME)
	}
	return r
}

// of returns the resource records of one type, owned by name. An alias is the record of every type (RFC 1034 section
// 3.6.2), and what it points to is for another zone to say.
func (r *records) of(qtype uint16, name string) []dns.RR {
	if r.cname != "" {
		return []dns.RR{&dns.CNAME{Hdr: header(name, dns.TypeCNAME, r.ttl), Target: r.cname}}
	}
	switch qtype {
	case dns.TypeA:
		rrs := make([]dns.RR, len(r.a))
		for i, ip := range r.a {
			rrs[i] = &dns.A{Hdr: header(name, dns.TypeA, r.ttl), A: ip}
		}
		return rrs
	case dns.TypeAAAA:
		rrs := make([]dns.RR, len(r.aaaa))
		for i, ip := range r.aaaa {
			rrs[i] = &dns.AAAA{Hdr: header(name, dns.TypeAAAA, r.ttl), AAAA: ip}
		}
		return rrs
	}
	return nil
}

func header(name string, rrtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

func ips(addrs []netip.Addr) []net.IP {
	list := make([]net.IP, len(addrs))
	for i, a := range addrs {
		list[i] = a.AsSlice()
	}
	return list
}

// seconds of a duration that Validate has accepted.
func seconds(d time.Duration) uint32 { return uint32(d / time.Second) }
