package dns

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"detour/schemas/pathmap"
)

// bigMap puts 200,000 resolvers, spread over the IPv4 space, on a path.
func bigMap() *pathmap.Map {
	m := &pathmap.Map{Paths: []string{"direct", "v4"}, Entries: make([]pathmap.Entry, 200_000)}
	for i := range m.Entries {
		m.Entries[i] = pathmap.Entry{Resolver: spread(uint32(i)), Path: 1}
	}
	return m
}

// spread returns the i-th resolver of bigMap.
func spread(i uint32) netip.Addr {
	var quad [4]byte
	binary.BigEndian.PutUint32(quad[:], i*21474)
	return netip.AddrFrom4(quad)
}

// BenchmarkRespond is a query's way from packet to packet, without the socket.
func BenchmarkRespond(b *testing.B) {
	s := server(b, fixed(bigMap(), 1))
	edns := new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA).SetEdns0(1232, true)
	edns.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_SUBNET{
		Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: []byte{192, 0, 2, 0},
	}}
	for _, c := range []struct {
		name string
		q    *dns.Msg
	}{
		{"plain", new(dns.Msg).SetQuestion("www.example.net.", dns.TypeA)},
		{"edns-subnet", edns},
		{"nxdomain", new(dns.Msg).SetQuestion("nope.example.net.", dns.TypeA)},
		{"refused", new(dns.Msg).SetQuestion("www.example.org.", dns.TypeA)},
	} {
		b.Run(c.name, func(b *testing.B) {
			packet, err := c.q.Pack()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				buf := make([]byte, readSize)
				for i := uint32(0); pb.Next(); i += 7919 { // a stride that leaves the caches
					s.respond(buf, packet, spread(i%200_000), true)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "queries/s")
		})
	}
}
