package dns

import (
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"

	"github.com/miekg/dns"
)

// Answer is what sends a client over one path: addresses, or the name of someone who knows them.
type Answer struct {
	A     []netip.Addr `yaml:"a"`
	AAAA  []netip.Addr `yaml:"aaaa"`
	CNAME string       `yaml:"cname"`
}

// PathAnswer is one path of the catalogue with its answer.
type PathAnswer struct {
	ID     string
	Answer Answer
}

// maxAddresses of one name and family, so that an answer to a client with EDNS is never truncated.
const maxAddresses = 32

// Validate wants either addresses or a CNAME.
func (a *Answer) Validate() error {
	addresses := len(a.A) + len(a.AAAA)
	switch {
	case addresses == 0 && a.CNAME == "":
		return errors.New("it has no answer: give a, aaaa or cname")
	case addresses > 0 && a.CNAME != "":
		return errors.New("cname: it has addresses too, and a CNAME stands alone")
	case addresses > 0:
		return checkAddresses(a.A, a.AAAA)
	}
	if err := checkName(a.CNAME); err != nil {
		return fmt.Errorf("cname: %w", err)
	}
	return nil
}

// checkAddresses reports an address of the wrong family; its errors start with the key.
func checkAddresses(a, aaaa []netip.Addr) error {
	if len(a) > maxAddresses || len(aaaa) > maxAddresses {
		return fmt.Errorf("a, aaaa: there are %d and %d addresses, at most %d each fit an answer", len(a), len(aaaa), maxAddresses)
	}
	for _, addr := range a {
		if !addr.Is4() {
			return fmt.Errorf("a: %s is not an IPv4 address", addr)
		}
	}
	for _, addr := range aaaa {
		if !addr.Is6() || addr.Is4In6() || addr.Zone() != "" {
			return fmt.Errorf("aaaa: %s is not an IPv6 address that others can reach", addr)
		}
	}
	return nil
}

// path is a PathAnswer made ready, with the number of answers given for it.
type path struct {
	id      string
	records records
	given   atomic.Uint64
}

// newPaths checks the catalogue's answers against the zone.
func newPaths(c *Config, answers []PathAnswer) (map[string]*path, error) {
	paths := make(map[string]*path, len(answers))
	for _, p := range answers {
		if err := p.Answer.Validate(); err != nil {
			return nil, fmt.Errorf("path %s: %w", p.ID, err)
		}
		if p.ID == "" || paths[p.ID] != nil {
			return nil, fmt.Errorf("path %q: its name is empty or there twice", p.ID)
		}
		if err := checkTarget(c, p.Answer.CNAME); err != nil {
			return nil, fmt.Errorf("path %s: cname: %w", p.ID, err)
		}
		paths[p.ID] = &path{id: p.ID, records: newRecords(seconds(c.TTL), p.Answer)}
	}
	return paths, nil
}

// checkTarget refuses what RFC 1034 section 3.6.2 forbids, and a target in the zone: there is no name in it that could
// serve a client, so its resolvers would be told that the service does not exist.
func checkTarget(c *Config, target string) error {
	switch {
	case target == "":
		return nil
	case dns.CanonicalName(c.Service) == dns.CanonicalName(c.Zone):
		return fmt.Errorf("the service is the zone %s itself, whose SOA and NS forbid a CNAME; give addresses", c.Zone)
	case inside(c.Zone, target):
		return fmt.Errorf("%s is in the zone %s, which has no such host", target, c.Zone)
	}
	return nil
}
