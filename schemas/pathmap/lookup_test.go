package pathmap_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"

	"detour/schemas/pathmap"
)

// large returns a map of n IPv4 and n/10 IPv6 entries.
func large(n int) *pathmap.Map {
	m := &pathmap.Map{Paths: []string{"direct", "proxy"}}
	step := uint32(1<<32/int64(n) - 1)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range uint32(n) {
		quad := [4]byte{}
		binary.BigEndian.PutUint32(quad[:], i*step+rng.Uint32N(step))
		m.Entries = append(m.Entries, pathmap.Entry{Resolver: netip.AddrFrom4(quad), Path: 1})
	}
	for i := range uint32(n / 10) {
		addr := [16]byte{0x20, 0x01, 0x0d, 0xb8}
		binary.BigEndian.PutUint32(addr[4:], i)
		m.Entries = append(m.Entries, pathmap.Entry{Resolver: netip.AddrFrom16(addr), Path: 1})
	}
	return m
}

func TestPathOfEveryEntryAndBetween(t *testing.T) {
	m := large(1000)
	for _, e := range m.Entries {
		if m.Path(e.Resolver) != e.Path || m.Path(netip.AddrFrom16(e.Resolver.As16())) != e.Path {
			t.Fatalf("%s is on path %d", e.Resolver, m.Path(e.Resolver))
		}
		if next := e.Resolver.Next(); next.IsValid() && m.Path(next) != m.Default {
			t.Fatalf("%s, which is not listed, is on path %d", next, m.Path(next))
		}
	}
	if (&pathmap.Map{Default: 1}).Path(netip.MustParseAddr("192.0.2.1")) != 1 {
		t.Error("an empty map does not give the default")
	}
}

// BenchmarkPath asks for listed resolvers of a map without prefixes, then for those of prefixes that have an entry, and
// that have none, where every resolver is in a listed prefix of four.
func BenchmarkPath(b *testing.B) {
	single := large(200_000)
	rng := rand.New(rand.NewPCG(3, 4))
	neighbours := &pathmap.Map{Paths: single.Paths}
	for i := range uint32(50_000) {
		quad := [4]byte{}
		binary.BigEndian.PutUint32(quad[:], i<<16)
		neighbours.Entries = append(neighbours.Entries, pathmap.Entry{Resolver: netip.AddrFrom4(quad), Bits: 24, Path: 1})
		for j := range byte(3) {
			quad[3] = 10 * (j + 1)
			neighbours.Entries = append(neighbours.Entries, pathmap.Entry{Resolver: netip.AddrFrom4(quad)})
		}
	}
	for _, c := range []struct {
		name string
		m    *pathmap.Map
		step int // from the address of an entry
	}{{"resolvers", single, 0}, {"listed neighbours", neighbours, 0}, {"unlisted neighbours", neighbours, 1}} {
		b.Run(c.name, func(b *testing.B) {
			asked := make([]netip.Addr, 1<<16)
			for i := range asked {
				asked[i] = c.m.Entries[rng.IntN(len(c.m.Entries))].Resolver
				if c.step > 0 {
					asked[i] = asked[i].Next()
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				c.m.Path(asked[i&(len(asked)-1)])
			}
		})
	}
}
