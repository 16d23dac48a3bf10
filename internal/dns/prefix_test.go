package dns

import (
	"testing"

	"github.com/miekg/dns"

	"detour/schemas/pathmap"
)

// A resolver that the map does not list gets the path of its prefix, one that is an exception the default, and all of them
// with ECS scope 0: an answer is the resolver's, whatever client subnet it asks for.
func TestAnUnlistedNeighbourGetsThePathOfItsPrefix(t *testing.T) {
	prefixes := &pathmap.Map{Paths: []string{"direct", "proxy", "v4"}, Entries: []pathmap.Entry{
		{Resolver: addr("198.51.100.0"), Bits: 24, Path: 1},
		{Resolver: addr("198.51.100.7")},
		{Resolver: addr("198.51.100.8"), Path: 2},
		{Resolver: addr("2001:db8::"), Bits: 48, Path: 1},
		{Resolver: addr("2001:db8::7")},
	}}
	const direct, proxy, v4 = "A 192.0.2.1", "CNAME Edge.example.org.", "A 192.0.2.4 A 192.0.2.5"
	m := prefixes
	s := server(t, func() (*pathmap.Map, int64) { return m, 1 })
	all := []struct{ source, want string }{
		{"198.51.100.0", proxy},
		{"198.51.100.6", proxy},
		{"198.51.100.7", direct},
		{"198.51.100.8", v4},
		{"198.51.100.255", proxy},
		{"::ffff:198.51.100.9", proxy},
		{"198.51.99.255", direct},
		{"198.51.101.0", direct},
		{"2001:db8::", proxy},
		{"2001:db8::7", direct},
		{"2001:db8:0:ffff::1%eth0", proxy},
		{"2001:db8:1::", direct},
	}
	for _, c := range all {
		if got := rdata(askFor(t, s, c.source).Answer); got != c.want {
			t.Errorf("%s gets %q, want %q", c.source, got, c.want)
		}
	}
	m = &pathmap.Map{Paths: prefixes.Paths}
	for _, c := range all {
		if got := rdata(askFor(t, s, c.source).Answer); got != direct {
			t.Errorf("%s gets %q of a map that lists nothing", c.source, got)
		}
	}
}

// askFor asks for the service with a client subnet in a listed prefix, and checks the scope of the answer.
func askFor(t *testing.T, s *Server, source string) *dns.Msg {
	t.Helper()
	q := new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA).SetEdns0(1232, false)
	q.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{
		Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: addr("198.51.100.0").AsSlice(),
	}}
	m := ask(t, s, q, source, true)
	for _, o := range m.IsEdns0().Option {
		if subnet, ok := o.(*dns.EDNS0_SUBNET); ok && subnet.SourceScope == 0 && subnet.SourceNetmask == 24 {
			return m
		}
	}
	t.Fatalf("%s: the answer has no client subnet of scope 0: %s", source, m)
	return nil
}
