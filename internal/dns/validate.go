package dns

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/miekg/dns"
)

// Limits of the settings.
const (
	maxTTL         = 7 * 24 * time.Hour // RFC 8767 section 4: resolvers cap what is longer
	maxSOATime     = 365 * 24 * time.Hour
	maxNameServers = 13 // what fits a referral of 512 bytes
)

// Validate names the first setting that cannot be.
func (c *Config) Validate() error {
	if len(c.Listen) == 0 {
		return errors.New("listen: there is no address")
	}
	for i, l := range c.Listen {
		if err := checkListen(l); err != nil {
			return fmt.Errorf("listen[%d]: %w", i, err)
		}
	}
	if err := checkName(c.Zone); err != nil {
		return fmt.Errorf("zone: %w", err)
	}
	if err := checkName(c.Service); err != nil {
		return fmt.Errorf("service: %w", err)
	}
	if !inside(c.Zone, c.Service) {
		return fmt.Errorf("service: %s is not in the zone %s", c.Service, c.Zone)
	}
	if err := c.validateTimes(); err != nil {
		return err
	}
	return c.validateServers()
}

func (c *Config) validateTimes() error {
	for _, t := range []struct {
		key   string
		value time.Duration
		most  time.Duration
	}{
		{"ttl", c.TTL, maxTTL},
		{"negative_ttl", c.NegativeTTL, maxTTL},
		{"apex_ttl", c.ApexTTL, maxTTL},
		{"soa.refresh", c.SOA.Refresh, maxSOATime},
		{"soa.retry", c.SOA.Retry, maxSOATime},
		{"soa.expire", c.SOA.Expire, maxSOATime},
	} {
		if t.value < time.Second || t.value > t.most || t.value%time.Second != 0 {
			return fmt.Errorf("%s: %s is not a whole number of seconds from 1s to %s", t.key, t.value, t.most)
		}
	}
	return nil
}

func (c *Config) validateServers() error {
	if len(c.NS) == 0 || len(c.NS) > maxNameServers {
		return fmt.Errorf("ns: there are %d name servers, it takes 1 to %d", len(c.NS), maxNameServers)
	}
	seen := map[string]bool{dns.CanonicalName(c.Zone): true, dns.CanonicalName(c.Service): true}
	for i, ns := range c.NS {
		if err := checkName(ns.Name); err != nil {
			return fmt.Errorf("ns[%d].name: %w", i, err)
		}
		name := dns.CanonicalName(ns.Name)
		if seen[name] {
			return fmt.Errorf("ns[%d].name: %s is the zone, the service or there twice", i, ns.Name)
		}
		seen[name] = true
		addresses := len(ns.A) + len(ns.AAAA)
		if ours := inside(c.Zone, ns.Name); ours && addresses == 0 {
			return fmt.Errorf("ns[%d]: %s is in the zone and has no address (a or aaaa)", i, ns.Name)
		} else if !ours && addresses > 0 {
			return fmt.Errorf("ns[%d]: %s is outside the zone %s, so its addresses are not ours to give", i, ns.Name, c.Zone)
		}
		if err := checkAddresses(ns.A, ns.AAAA); err != nil {
			return fmt.Errorf("ns[%d].%w", i, err)
		}
	}
	return c.SOA.validateNames()
}

func (s *SOA) validateNames() error {
	for _, n := range []struct{ key, name string }{{"soa.mname", s.MName}, {"soa.rname", s.RName}} {
		if n.name == "" {
			continue
		}
		if err := checkName(n.name); err != nil {
			return fmt.Errorf("%s: %w", n.key, err)
		}
	}
	return nil
}

func checkListen(l string) error {
	host, port, err := net.SplitHostPort(l)
	if err != nil {
		return fmt.Errorf("%q is not address:port", l)
	}
	if _, err := netip.ParseAddr(host); err != nil {
		return fmt.Errorf("%q: %q is not an IP address", l, host)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q: %q is not a port", l, port)
	}
	return nil
}

// checkName accepts a host name: labels of letters, digits, hyphens and underscores.
func checkName(name string) error {
	if _, ok := dns.IsDomainName(name); !ok || dns.Fqdn(name) == "." {
		return fmt.Errorf("%.80q is not a domain name", name)
	}
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		default:
			return fmt.Errorf("%.80q has %q in it, which is not for host names", name, r)
		}
	}
	return nil
}

// inside reports whether a configured name is in a configured zone.
func inside(zone, name string) bool {
	return dns.IsSubDomain(dns.CanonicalName(zone), dns.CanonicalName(name))
}
