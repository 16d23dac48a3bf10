package dns

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.yaml.in/yaml/v3"
)

func TestDefaultIsValid(t *testing.T) {
	c := Default()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestValidateNamesTheKey(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*Config)
	}{
		{"listen:", func(c *Config) { c.Listen = nil }},
		{"listen[1]:", func(c *Config) { c.Listen = append(c.Listen, "localhost:53") }},
		{"listen[0]:", func(c *Config) { c.Listen = []string{"127.0.0.1"} }},
		{"listen[0]:", func(c *Config) { c.Listen = []string{"127.0.0.1:66000"} }},
		{"zone:", func(c *Config) { c.Zone = "." }},
		{"zone:", func(c *Config) { c.Zone = "" }},
		{"zone:", func(c *Config) { c.Zone = "exa mple.net." }},
		{"service:", func(c *Config) { c.Service = "www.example.com." }},
		{"service:", func(c *Config) { c.Service = strings.Repeat("a", 64) + ".example.net." }},
		{"ttl:", func(c *Config) { c.TTL = 0 }},
		{"negative_ttl:", func(c *Config) { c.NegativeTTL = 1500 * time.Millisecond }},
		{"apex_ttl:", func(c *Config) { c.ApexTTL = 8 * 24 * time.Hour }},
		{"soa.refresh:", func(c *Config) { c.SOA.Refresh = -time.Second }},
		{"soa.mname:", func(c *Config) { c.SOA.MName = "a..b" }},
		{"soa.rname:", func(c *Config) { c.SOA.RName = "who@example.net" }},
		{"ns:", func(c *Config) { c.NS = nil }},
		{"ns[0].name:", func(c *Config) { c.NS[0].Name = "example.net" }},
		{"ns[0].name:", func(c *Config) { c.NS[0].Name = "WWW.example.net" }},
		{"ns[1].name:", func(c *Config) { c.NS[1].Name = "ns1.dns.EXAMPLE.net." }},
		{"ns[0]:", func(c *Config) { c.NS[0].A, c.NS[0].AAAA = nil, nil }},
		{"ns[1]:", func(c *Config) { c.NS[1].A = []netip.Addr{addr("192.0.2.1")} }},
		{"ns[0].a:", func(c *Config) { c.NS[0].A = []netip.Addr{addr("2001:db8::1")} }},
		{"ns[0].aaaa:", func(c *Config) { c.NS[0].AAAA = []netip.Addr{addr("192.0.2.1")} }},
		{"ns[0].aaaa:", func(c *Config) { c.NS[0].AAAA = []netip.Addr{addr("fe80::1%eth0")} }},
	} {
		cfg := config()
		c.change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("error %v, want one that starts with %s", err, c.want)
		}
	}
}

func TestNewNamesThePath(t *testing.T) {
	one := []netip.Addr{addr("192.0.2.1")}
	for _, c := range []struct {
		want    string
		service string
		answer  Answer
	}{
		{"path x: it has no answer", "", Answer{}},
		{"path x: cname: it has addresses too", "", Answer{A: one, CNAME: "edge.example.org"}},
		{"path x: aaaa:", "", Answer{AAAA: one}},
		{"path x: a, aaaa:", "", Answer{A: make([]netip.Addr, 33)}},
		{"path x: cname:", "", Answer{CNAME: "no host"}},
		{"path x: cname: www.example.net is in the zone", "", Answer{CNAME: "www.example.net"}},
		{"path x: cname: Ns1.Dns.Example.Net is in the zone", "", Answer{CNAME: "Ns1.Dns.Example.Net"}},
		{"path x: cname: the service is the zone", "example.net", Answer{CNAME: "edge.example.org"}},
	} {
		cfg := config()
		if c.service != "" {
			cfg.Service = c.service
		}
		_, err := New(cfg, []PathAnswer{{"direct", Answer{A: one}}, {"x", c.answer}}, "direct", nil, zerolog.Nop())
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("error %v, want one that starts with %s", err, c.want)
		}
	}
	if _, err := New(config(), catalogue(), "missing", nil, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "path missing") {
		t.Errorf("default without an answer: %v", err)
	}
	if _, err := New(config(), append(catalogue(), catalogue()[0]), "direct", nil, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), `"direct"`) {
		t.Errorf("a path twice: %v", err)
	}
}

func TestYAML(t *testing.T) {
	c := Default()
	err := yaml.Unmarshal([]byte(`
listen: ["[::1]:53", "192.0.2.53:53"]
zone: Video.Example
service: play.video.example
ttl: 20s
ns:
  - {name: ns1.video.example, a: [192.0.2.53], aaaa: ["2001:db8::53"]}
  - {name: ns.example.org}
soa: {rname: dns.video.example, retry: 5m}
`), &c)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if c.TTL != 20*time.Second || c.SOA.Refresh != time.Hour || c.NS[0].AAAA[0] != addr("2001:db8::53") || len(c.NS) != 2 {
		t.Errorf("%+v", c)
	}
}
