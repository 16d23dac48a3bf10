package decision

import (
	"bytes"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
	"detour/schemas/arrowio"
	"detour/schemas/chunk"
	"detour/schemas/internal/golden"
	"detour/schemas/sample"
)

const pane int64 = 1_700_000_040_000

func decisions() []Decision {
	return []Decision{
		{
			Resolver: netip.MustParseAddr("192.0.2.53"), Path: 1, Since: pane, Changed: 1, Reason: Faster, Level: Cell,
			Candidate: 1, Runs: 40, Cells: 2, Ratio: -300, RatioUpper: -100, WorstRatio: -200, WorstASN: 64500,
			WorstCountry: 'D'<<8 | 'E', Direct: 180_000, Gain: 33_000, DefaultTries: 120, CandidateTries: 119, CandidateFailures: 1,
			RatioLower: -500, Harm: 4_000, HarmLimit: 20_000, OwnRatio: -350, OwnRuns: 33*RunsOne + 5,
			GroupRatio: -250, GroupRuns: 12 * RunsOne, Penalty: 2, Failovers: 1,
		},
		{Resolver: netip.MustParseAddr("198.51.100.0"), Bits: 24, Path: 1, Since: pane, Changed: 1, Reason: Faster, Level: Prefix, Candidate: 1},
		{Resolver: netip.MustParseAddr("198.51.100.7"), Changed: 1, Exception: 1, Reason: CellHarmed, Level: Cell, Candidate: 1},
		{Resolver: netip.MustParseAddr("2001:db8::53"), Previous: 1, Since: pane, Changed: 1, Gone: 1},
	}
}

func batch() *Batch {
	return &Batch{
		Head: Head{
			Genesis: "0f", Chunk: chunk.Place{Whole: pane, Attempt: 3, Count: 1},
			Tick: &Tick{
				Number: 9, Policy: "aa", Previous: "bb", Digest: Digest("bb", pane, "aa", decisions()),
				Positions: Positions{Windows: []int64{5, 6}, Resume: []int64{1, 2}, Control: 2},
				Totals:    Totals{Windows: 10, Samples: 240, Resolvers: 4, Rerouted: 1, Moved: 2},
			},
		},
		Decisions: decisions(),
	}
}

func TestGoldenBytes(t *testing.T) {
	data, err := batch().Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden.Bytes(t, "testdata/batch.golden", data)
	golden.Text(t, "testdata/digest.golden.txt", []byte(batch().Head.Tick.Digest+"\n"))
	if got, err := Decode(data); err != nil || !reflect.DeepEqual(got, batch()) {
		t.Errorf("%+v, %v", got, err)
	}
}

func anyDecisions(t *rapid.T) []Decision {
	rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Decision {
		addr, bits, exception := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "v4"))), uint8(0), uint8(0)
		switch rapid.IntRange(0, 2).Draw(t, "subject") {
		case 0:
			addr, bits = schemas.PrefixOf(addr).Addr(), 24
		case 1:
			exception = 1
		}
		return Decision{
			Resolver: addr, Bits: bits, Exception: exception,
			Path: rapid.Uint8().Draw(t, "path"), Previous: rapid.Uint8().Draw(t, "previous"), Since: rapid.Int64().Draw(t, "since"),
			Changed: rapid.Uint8Range(0, 1).Draw(t, "changed"), Gone: rapid.Uint8Range(0, 1-exception).Draw(t, "gone"),
			Reason: Reason(rapid.IntRange(0, Reasons-1).Draw(t, "reason")), Level: Level(rapid.IntRange(0, Levels-1).Draw(t, "level")),
			Runs: rapid.Uint32().Draw(t, "runs"), Cells: rapid.Uint16().Draw(t, "cells"), Ratio: rapid.Int32().Draw(t, "ratio"),
			WorstCountry: sample.Country(rapid.Uint16().Draw(t, "country")), Gain: rapid.Int32().Draw(t, "gain"),
			Harm: rapid.Uint32().Draw(t, "harm"), OwnRatio: rapid.Int32().Draw(t, "own ratio"), OwnRuns: rapid.Uint32().Draw(t, "own runs"),
		}
	}), 0, 12).Draw(t, "decisions")
	slices.SortFunc(rows, func(a, b Decision) int { return Compare(&a, &b) })
	return slices.CompactFunc(rows, func(a, b Decision) bool { return Compare(&a, &b) == 0 })
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := &Batch{Head: batch().Head, Decisions: anyDecisions(t)}
		data, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(data); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestDigestIsOfChangesAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := anyDecisions(t)
		changes := slices.DeleteFunc(slices.Clone(rows), func(d Decision) bool { return d.Changed == 0 })
		want := Digest("p", pane, "q", rows)
		if got := Digest("p", pane, "q", changes); got != want {
			t.Fatal("rows of a snapshot are in the digest")
		}
		for i := range changes {
			other := slices.Clone(changes)
			other[i].WorstRatio++
			if Digest("p", pane, "q", other) == want {
				t.Fatal("a change is not in the digest")
			}
		}
		if Digest("", pane, "q", rows) == want || Digest("p", pane+1, "q", rows) == want || Digest("p", pane, "", rows) == want {
			t.Fatal("previous tick, pane or policy is not in the digest")
		}
	})
}

func TestAssembler(t *testing.T) {
	var a Assembler
	a.Skip(pane - 1)
	b := batch()
	first := &Batch{Head: Head{Chunk: chunk.Place{Whole: pane, Count: 2}}, Decisions: b.Decisions[:1]}
	last := &Batch{Head: Head{Chunk: chunk.Place{Whole: pane, Index: 1, Count: 2}, Tick: b.Head.Tick}, Decisions: b.Decisions[1:]}
	if w, err := a.Add(first); w != nil || err != nil {
		t.Fatalf("%v, %v", w, err)
	}
	w, err := a.Add(last)
	if err != nil || !reflect.DeepEqual(w.Decisions, decisions()) || w.Pane != pane || w.Tick.Number != 9 {
		t.Fatalf("%+v, %v", w, err)
	}
	b.Head.Chunk.Whole++
	if w, err := a.Add(b); err == nil || !strings.Contains(err.Error(), "tick 9: digest is") {
		t.Errorf("a tick that is not its digest: %v, %v", w, err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Batch)
		want   string
	}{
		{"no tick", func(b *Batch) { b.Head.Tick = nil }, "chunk 0 of 1 with tick false"},
		{"early tick", func(b *Batch) { b.Head.Chunk.Count = 2 }, "chunk 0 of 2 with tick true"},
		{"place", func(b *Batch) { b.Head.Chunk.Count = 0 }, "chunk 0 of 0"},
		{"reason", func(b *Batch) { b.Decisions[0].Reason = Reasons }, "row 0: reason 17"},
		{"level", func(b *Batch) { b.Decisions[3].Level = Levels }, "row 3: reason 0, level 7"},
		{"changed", func(b *Batch) { b.Decisions[0].Changed = 2 }, "changed 2"},
		{"gone", func(b *Batch) { b.Decisions[0].Gone = 2 }, "gone 2"},
		{"order", func(b *Batch) { slices.Reverse(b.Decisions) }, "row 1: out of order"},
		{"bits", func(b *Batch) { b.Decisions[1].Bits = 16 }, "row 1: prefix 198.51.100.0/16"},
		{"host bits", func(b *Batch) { b.Decisions[2].Bits, b.Decisions[2].Exception = 24, 0 }, "row 2: prefix 198.51.100.7/24"},
		{"bits of the other family", func(b *Batch) { b.Decisions[3].Bits = 24 }, "row 3: prefix 2001:db8::53/24"},
		{"exception", func(b *Batch) { b.Decisions[2].Exception = 2 }, "row 2: exception 2"},
		{"a prefix as exception", func(b *Batch) { b.Decisions[1].Exception = 1 }, "row 1: exception 1 of 24 bits"},
		{"a gone exception", func(b *Batch) { b.Decisions[2].Gone = 1 }, "row 2: exception 1 of 0 bits, gone 1"},
		{"prefix behind its first address", func(b *Batch) {
			b.Decisions[2] = b.Decisions[1]
			b.Decisions[1].Bits = 0
		}, "row 2: out of order"},
		{"twice", func(b *Batch) { b.Decisions[1] = b.Decisions[0] }, "row 1: out of order"},
	}
	for _, tt := range tests {
		b := batch()
		tt.change(b)
		data, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(data); got != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for r := range Reason(Reasons) {
		seen[r.String()] = true
		if got, err := ParseReason(r.String()); err != nil || got != r {
			t.Errorf("%s is read as %s, %v", r, got, err)
		}
	}
	for l := range Level(Levels) {
		seen[l.String()] = true
		if got, err := ParseLevel(l.String()); err != nil || got != l {
			t.Errorf("%s is read as %s, %v", l, got, err)
		}
	}
	if _, err := ParseReason("world"); err == nil {
		t.Error("a level is read as a reason")
	}
	if len(seen) != Reasons+Levels || seen[""] {
		t.Errorf("%d names for %d reasons and %d levels", len(seen), Reasons, Levels)
	}
	if got := Reason(200).String() + Level(200).String(); got != "invalid(200)invalid(200)" {
		t.Error(got)
	}
}

func FuzzDecode(f *testing.F) {
	data, err := batch().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[:len(data)-4])
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Decode(arrowio.Seal(bytes.Clone(data))) // without a fitting checksum it would not get far
		if err != nil {
			return
		}
		again, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if b2, err := Decode(again); err != nil || !reflect.DeepEqual(b, b2) {
			t.Errorf("%+v, then %+v, %v", b, b2, err)
		}
	})
}
