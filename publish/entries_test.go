package publish

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
)

func TestMergeEqualsADumbOne(t *testing.T) {
	subject := rapid.Custom(func(t *rapid.T) pathmap.Entry {
		e := pathmap.Entry{Resolver: netip.AddrFrom4([4]byte{10, 0, rapid.Byte().Draw(t, "prefix") % 3, rapid.Byte().Draw(t, "addr") % 6})}
		if rapid.IntRange(0, 3).Draw(t, "about") == 0 {
			e.Resolver, e.Bits = schemas.PrefixOf(e.Resolver).Addr(), schemas.PrefixBits4
		}
		return e
	})
	rapid.Check(t, func(t *rapid.T) {
		var entries []pathmap.Entry
		for _, e := range rapid.SliceOfDistinct(subject, rapid.ID).Draw(t, "entries") {
			e.Path = rapid.Uint8Range(0, 2).Draw(t, "path")
			entries = append(entries, e)
		}
		slices.SortFunc(entries, pathmap.Compare)
		entries = pathmap.Necessary(entries, 0)
		var rows []decision.Decision
		for _, e := range rapid.SliceOfDistinct(subject, rapid.ID).Draw(t, "rows") {
			d := decision.Decision{Resolver: e.Resolver, Bits: e.Bits, Path: rapid.Uint8Range(0, 2).Draw(t, "to"), Gone: rapid.Uint8Range(0, 1).Draw(t, "gone")}
			if d.Bits == 0 && d.Path == 0 && d.Gone == 0 {
				d.Exception = rapid.Uint8Range(0, 1).Draw(t, "exception")
			}
			rows = append(rows, d)
		}
		slices.SortFunc(rows, func(a, b decision.Decision) int { return decision.Compare(&a, &b) })

		before := slices.Clone(entries)
		got := merge(entries, rows, 0)
		if !slices.Equal(entries, before) {
			t.Fatal("merge wrote to its input")
		}
		want := dumbMerge(entries, rows)
		if !slices.Equal(got, want) {
			t.Fatalf("merge(%v, %v) = %v, want %v", entries, rows, got, want)
		}
		if slices.Equal(got, entries) && len(entries) > 0 && &got[0] != &entries[0] {
			t.Fatal("nothing differs, and merge made a copy")
		}
	})
}

func dumbMerge(entries []pathmap.Entry, rows []decision.Decision) (all []pathmap.Entry) {
	all = slices.Clone(entries)
	for _, d := range rows {
		all = slices.DeleteFunc(all, func(e pathmap.Entry) bool { return e.Subject() == d.Subject() })
		if d.Gone == 0 && (d.Path != 0 || d.Exception == 1) {
			all = append(all, pathmap.Entry{Resolver: d.Resolver, Bits: d.Bits, Path: d.Path})
		}
	}
	slices.SortFunc(all, pathmap.Compare)
	listed := slices.Clone(all)
	return slices.DeleteFunc(all, func(e pathmap.Entry) bool {
		around := uint8(0)
		for _, p := range listed {
			if e.Bits == 0 && p.Bits != 0 && p.Subject().Contains(e.Resolver) {
				around = p.Path
			}
		}
		return e.Path == around
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
