package publish

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/decision"
	"detour/schemas/pathmap"
)

func TestMergeEqualsADumbOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		addr := rapid.Custom(func(t *rapid.T) netip.Addr {
			return netip.AddrFrom4([4]byte{10, 0, 0, rapid.Byte().Draw(t, "addr") % 16})
		})
		var entries []pathmap.Entry
		for _, a := range rapid.SliceOfDistinct(addr, rapid.ID).Draw(t, "entries") {
			entries = append(entries, pathmap.Entry{Resolver: a, Path: rapid.Uint8Range(1, 2).Draw(t, "path")})
		}
		slices.SortFunc(entries, pathmap.Compare)
		var rows []decision.Decision
		for _, a := range rapid.SliceOfDistinct(addr, rapid.ID).Draw(t, "rows") {
			rows = append(rows, decision.Decision{Resolver: a, Path: rapid.Uint8Range(0, 2).Draw(t, "to"), Gone: rapid.Uint8Range(0, 1).Draw(t, "gone")})
		}
		slices.SortFunc(rows, func(a, b decision.Decision) int { return decision.Compare(&a, &b) })

		before := slices.Clone(entries)
		got := merge(entries, rows, 0)
		if !slices.Equal(entries, before) {
			t.Fatal("merge wrote to its input")
		}
		want := slices.Clone(entries)
		for _, d := range rows {
			want = slices.DeleteFunc(want, func(e pathmap.Entry) bool { return e.Resolver == d.Resolver })
			if d.Path != 0 && d.Gone == 0 {
				want = append(want, pathmap.Entry{Resolver: d.Resolver, Path: d.Path})
			}
		}
		slices.SortFunc(want, pathmap.Compare)
		if !slices.Equal(got, want) {
			t.Fatalf("merge(%v, %v) = %v, want %v", entries, rows, got, want)
		}
		if slices.Equal(got, entries) && len(entries) > 0 && &got[0] != &entries[0] {
			t.Fatal("nothing differs, and merge made a copy")
		}
	})
}

// A tick that moves 100 of 200,000 resolvers.
func BenchmarkMergeFewChanges(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	entries := make([]pathmap.Entry, 200_000)
	for i := range entries {
		quad := [4]byte{}
		binary.BigEndian.PutUint32(quad[:], uint32(i)*20_000+uint32(rng.IntN(20_000)))
		entries[i] = pathmap.Entry{Resolver: netip.AddrFrom4(quad), Path: 1}
	}
	rows := make([]decision.Decision, 100)
	for i := range rows {
		rows[i] = decision.Decision{Resolver: entries[i*2000+rng.IntN(2000)].Resolver, Path: uint8(i % 2 * 2)}
	}
	b.ResetTimer()
	for range b.N {
		merge(entries, rows, 0)
	}
}
