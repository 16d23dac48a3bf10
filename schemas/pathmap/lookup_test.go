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

func BenchmarkPath(b *testing.B) {
	m := large(200_000)
	rng := rand.New(rand.NewPCG(3, 4))
	asked := make([]netip.Addr, 1<<16)
	for i := range asked {
		asked[i] = m.Entries[rng.IntN(len(m.Entries))].Resolver
	}
	b.ResetTimer()
	for i := range b.N {
		m.Path(asked[i&(len(asked)-1)])
	}
}
