package dns

import (
	"github.com/miekg/dns"
)

// zone is what does not depend on who asks. It holds no records at the service name: those are a path's.
type zone struct {
	apex     string // canonical
	nodes    map[string]*node
	servers  []string // names of the name servers
	ttl      uint32   // of the apex' records, seconds
	negative uint32   // TTL of a negative answer, seconds: RFC 2308 section 5
	soa      dns.SOA  // without header and serial
}

// node is an existing name. One that is nothing in particular is an empty non-terminal: it exists because a name below
// it does (RFC 8020), and has no records.
type node struct {
	apex    bool
	service bool
	hosts   *records // a name server's addresses
}

func newZone(c *Config) *zone {
	z := &zone{
		apex:     dns.CanonicalName(c.Zone),
		nodes:    make(map[string]*node),
		ttl:      seconds(c.ApexTTL),
		negative: seconds(min(c.ApexTTL, c.NegativeTTL)),
	}
	z.node(z.apex).apex = true
	z.node(dns.CanonicalName(c.Service)).service = true
	for _, ns := range c.NS {
		name := dns.CanonicalName(ns.Name)
		z.servers = append(z.servers, name)
		if dns.IsSubDomain(z.apex, name) {
			hosts := newRecords(z.ttl, Answer{A: ns.A, AAAA: ns.AAAA})
			z.node(name).hosts = &hosts
		}
	}
	z.soa = dns.SOA{
		Ns:      z.servers[0],
		Mbox:    "hostmaster." + z.apex,
		Refresh: seconds(c.SOA.Refresh),
		Retry:   seconds(c.SOA.Retry),
		Expire:  seconds(c.SOA.Expire),
		Minttl:  seconds(c.NegativeTTL),
	}
	if c.SOA.MName != "" {
		z.soa.Ns = dns.CanonicalName(c.SOA.MName)
	}
	if c.SOA.RName != "" {
		z.soa.Mbox = dns.CanonicalName(c.SOA.RName)
	}
	return z
}

// node returns the node of a name in the zone, after making it and its ancestors up to the apex exist.
func (z *zone) node(name string) *node {
	for at := name; ; {
		if z.nodes[at] == nil {
			z.nodes[at] = &node{}
		}
		if at == z.apex {
			return z.nodes[name]
		}
		parent, _ := dns.NextLabel(at, 0)
		at = at[parent:]
	}
}

// start returns the SOA record, owned by name.
func (z *zone) start(name string, ttl, serial uint32) dns.RR {
	soa := z.soa
	soa.Hdr = header(name, dns.TypeSOA, ttl)
	soa.Serial = serial
	return &soa
}

// nameServers returns the NS records, owned by name.
func (z *zone) nameServers(name string) []dns.RR {
	rrs := make([]dns.RR, len(z.servers))
	for i, ns := range z.servers {
		rrs[i] = &dns.NS{Hdr: header(name, dns.TypeNS, z.ttl), Ns: ns}
	}
	return rrs
}

// glue returns the addresses of the name servers that are in the zone.
func (z *zone) glue() (rrs []dns.RR) {
	for _, ns := range z.servers {
		if n := z.nodes[ns]; n != nil {
			rrs = append(rrs, n.hosts.of(dns.TypeA, ns)...)
			rrs = append(rrs, n.hosts.of(dns.TypeAAAA, ns)...)
		}
	}
	return rrs
}
