package dns

import (
	"net/netip"
	"time"
)

// Config says where to listen and what the zone holds beside the service's own answers. Names may be written with or
// without their final dot and in any case.
type Config struct {
	Listen      []string      `yaml:"listen"`       // address:port, each on UDP and TCP; port 0 takes a free one
	Zone        string        `yaml:"zone"`         // the zone that this server is authoritative for
	Service     string        `yaml:"service"`      // the name in it that clients ask for
	TTL         time.Duration `yaml:"ttl"`          // of the service's answers: how long a resolver stays where it is
	NegativeTTL time.Duration `yaml:"negative_ttl"` // of "no such name" and "no such type" (the SOA's minimum)
	ApexTTL     time.Duration `yaml:"apex_ttl"`     // of SOA, NS and the name servers' addresses
	NS          []NameServer  `yaml:"ns"`
	SOA         SOA           `yaml:"soa"`
}

// NameServer is one of the zone's name servers. One inside the zone needs an address, one outside must not have any.
type NameServer struct {
	Name string       `yaml:"name"`
	A    []netip.Addr `yaml:"a"`
	AAAA []netip.Addr `yaml:"aaaa"`
}

// SOA is the start of authority. Its serial is the map's version and its minimum is NegativeTTL.
type SOA struct {
	MName   string        `yaml:"mname"` // empty = the first name server
	RName   string        `yaml:"rname"` // mailbox of who is responsible, as a name; empty = hostmaster.<zone>
	Refresh time.Duration `yaml:"refresh"`
	Retry   time.Duration `yaml:"retry"`
	Expire  time.Duration `yaml:"expire"`
}

// Default serves an example zone on loopback.
func Default() Config {
	return Config{
		Listen:      []string{"127.0.0.1:1053"},
		Zone:        "example.net",
		Service:     "www.example.net",
		TTL:         30 * time.Second,
		NegativeTTL: 30 * time.Second,
		ApexTTL:     time.Hour,
		NS:          []NameServer{{Name: "ns1.example.net", A: []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}}},
		SOA:         SOA{Refresh: time.Hour, Retry: 10 * time.Minute, Expire: 7 * 24 * time.Hour},
	}
}
