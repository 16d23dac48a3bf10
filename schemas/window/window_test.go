package window

import (
	"bytes"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/arrowio"
	"detour/schemas/chunk"
	"detour/schemas/internal/golden"
	"detour/schemas/sample"
)

const pane int64 = 1_700_000_040_000

func windows() []Window {
	v4 := netip.MustParseAddr("192.0.2.53")
	return []Window{
		{
			Resolver: v4, Country: 'D'<<8 | 'E', ASN: 64500, Class: sample.New,
			OK: 3, HTTPErrors: 1, GatewayErrors: 2, Unreachable: 4, Runs: 5, Clients: 2, Late: 1, Skewed: 1,
			P50: 100_351, P75: 201_727, P90: 201_727, P95: 201_727, P99: 201_727,
			Latency: Histogram{[]int16{LatencyBin(100_000), LatencyBin(200_000)}, []uint32{2, 1}},
		},
		{
			Resolver: v4, Other: 1, Path: 1, Class: sample.Reused, OK: 1, Pairs: 1, PairRuns: 1, Runs: 1, Clients: 1,
			P50: 63, P75: 63, P90: 63, P95: 63, P99: 63,
			Latency: Histogram{[]int16{63}, []uint32{1}}, Ratio: Histogram{[]int16{-8}, []uint32{1}},
		},
		{Resolver: netip.MustParseAddr("2001:db8::53"), Unreachable: 1, Runs: 1, Clients: 1},
	}
}

func batch() *Batch {
	return &Batch{
		Head: Head{
			Genesis: "0f", Partition: 2, Chunk: chunk.Place{Whole: pane, Attempt: 7, Count: 1},
			Seal: &Seal{
				Digest: Digest(pane, windows()), Totals: Totals{Samples: 12, Counted: 11, Capped: 1, Late: 1, Skewed: 1, Holes: 1, Lost: 5, Incomplete: true},
				Resume: Resume{
					Offset: 90, Through: NoPane,
					Sources: []Source{{Heard: true, Offset: 40, Ordinal: 3, Next: 43, Origin: pane - 1, Mark: pane + 9}, {Released: pane, Torn: true}},
					Gaps:    []Span{{pane, pane + 60_000}}, Torn: true,
				},
				Through: pane, Marks: []int64{pane + 70_000, pane + 71_000},
			},
		},
		Windows: windows(),
	}
}

func TestGoldenBytes(t *testing.T) {
	data, err := batch().Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden.Bytes(t, "testdata/batch.golden", data)
	golden.Text(t, "testdata/digest.golden.txt", []byte(Digest(pane, windows())+"\n"))
	if got, err := Decode(data); err != nil || !reflect.DeepEqual(got, batch()) {
		t.Errorf("%+v, %v", got, err)
	}
}

func anyWindow(t *rapid.T) Window {
	w := Window{
		Resolver: netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "v4"))),
		Country:  sample.Country(rapid.Uint16().Draw(t, "country")), ASN: rapid.Uint32().Draw(t, "asn"),
		Other: rapid.Uint8Range(0, 1).Draw(t, "other"), Path: rapid.Uint8().Draw(t, "path"),
		Class:      sample.Class(rapid.IntRange(0, sample.Classes-1).Draw(t, "class")),
		HTTPErrors: rapid.Uint32().Draw(t, "http"), Clients: rapid.Uint32().Draw(t, "clients"), P99: rapid.Uint32().Draw(t, "p99"),
		Latency: anyHistogram(t, 0, LatencyBins-1), Ratio: anyHistogram(t, -MaxRatioBin, MaxRatioBin),
	}
	w.OK, w.Pairs = uint32(w.Latency.Total()), uint32(w.Ratio.Total())
	return w
}

func anyHistogram(t *rapid.T, low, high int) (h Histogram) {
	bins := rapid.SliceOfNDistinct(rapid.Int16Range(int16(low), int16(high)), 0, 6, rapid.ID[int16]).Draw(t, "bins")
	slices.Sort(bins)
	for _, bin := range bins {
		h.Add(bin, rapid.Uint32Range(1, 1<<20).Draw(t, "count"))
	}
	return h
}

func anyWindows(t *rapid.T) []Window {
	rows := rapid.SliceOfN(rapid.Custom(anyWindow), 0, 12).Draw(t, "windows")
	slices.SortFunc(rows, func(a, b Window) int { return Compare(&a, &b) })
	return slices.CompactFunc(rows, func(a, b Window) bool { return Compare(&a, &b) == 0 })
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := &Batch{Head: batch().Head, Windows: anyWindows(t)}
		data, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(data); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

// A pane comes back whole however it was chunked, and any change of its meaning is seen.
func TestAssembler(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := anyWindows(t)
		seal := batch().Head.Seal
		seal.Digest = Digest(pane, rows)
		size := rapid.IntRange(1, 5).Draw(t, "size")
		parts := slices.Collect(slices.Chunk(rows, size))
		if parts == nil {
			parts = [][]Window{nil}
		}
		var a Assembler
		a.Skip(pane - 60_000)
		for i, part := range parts {
			b := &Batch{Head: Head{Chunk: chunk.Place{Whole: pane, Index: i, Count: len(parts)}}, Windows: part}
			if i == len(parts)-1 {
				b.Head.Seal = seal
			}
			p, err := a.Add(b)
			if err != nil || (p != nil) != (i == len(parts)-1) {
				t.Fatalf("chunk %d: %v, %v", i, p, err)
			}
			if p != nil && (len(p.Windows) != len(rows) || Digest(p.Start, p.Windows) != seal.Digest) {
				t.Fatalf("%d windows of %d", len(p.Windows), len(rows))
			}
		}
		if len(rows) == 0 {
			return
		}
		changed := slices.Clone(rows)
		changed[0].Runs++
		b := &Batch{Head: Head{Chunk: chunk.Place{Whole: pane + 60_000, Count: 1}, Seal: seal}, Windows: changed}
		if p, err := a.Add(b); err == nil {
			t.Fatalf("a changed pane is accepted: %+v", p)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Batch)
		want   string
	}{
		{"no seal", func(b *Batch) { b.Head.Seal = nil }, "chunk 0 of 1 with seal false"},
		{"early seal", func(b *Batch) { b.Head.Chunk.Count = 2 }, "chunk 0 of 2 with seal true"},
		{"place", func(b *Batch) { b.Head.Chunk.Index = 1 }, "chunk 1 of 1"},
		{"class", func(b *Batch) { b.Windows[0].Class = 3 }, "row 0: class 3"},
		{"other", func(b *Batch) { b.Windows[0].Other = 2 }, "row 0: class 1, other 2"},
		{"order", func(b *Batch) { b.Windows[0], b.Windows[1] = b.Windows[1], b.Windows[0] }, "row 1: out of order"},
		{"twice", func(b *Batch) { b.Windows[1] = b.Windows[0] }, "row 1: out of order"},
		{"latency counts", func(b *Batch) { b.Windows[0].OK = 4 }, "row 0: latency: counts do not add up"},
		{"ratio counts", func(b *Batch) { b.Windows[1].Pairs = 0 }, "row 1: ratio: counts do not add up"},
		{"negative latency bin", func(b *Batch) { b.Windows[0].Latency.Bins[0] = -1 }, "row 0: latency: bins out of range"},
		{"resume offset", func(b *Batch) { b.Head.Seal.Resume.Offset = -1 }, "seal: resume: offset -1"},
		{"gap", func(b *Batch) { b.Head.Seal.Resume.Gaps[0].From += 90_000 }, "seal: resume: gap 0: from"},
		{"ratio bin", func(b *Batch) { b.Windows[1].Ratio.Bins[0] = -33 }, "row 1: ratio: bins out of range"},
	}
	for _, tt := range tests {
		b := batch()
		tt.change(b)
		data, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(data)
		if got != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
}

func TestAnAttemptThatIsNotWhatItsSealSaysHidesNoLaterOne(t *testing.T) {
	first, second := batch(), batch()
	first.Head.Chunk.Count, second.Head.Chunk.Count, second.Head.Chunk.Index = 2, 2, 1
	first.Head.Seal, first.Windows, second.Windows = nil, windows()[:1], windows()[1:]
	wrong := batch()
	wrong.Head.Chunk, wrong.Windows = second.Head.Chunk, second.Windows[:1]
	for _, attempt := range []int64{7, 8} { // the same writer's, or the next one's
		first.Head.Chunk.Attempt, second.Head.Chunk.Attempt = attempt, attempt
		var a Assembler
		for i, b := range []*Batch{batch(), first, wrong, first, second, first, second} {
			if i == 0 {
				b.Head.Chunk.Whole -= 60_000 // a pane before it, which is good but for its digest's place
			}
			if i == 2 {
				b.Head.Chunk.Attempt = attempt
			}
			p, err := a.Add(b)
			if (err != nil) != (i == 0 || i == 2) || (p != nil) != (i == 4) {
				t.Fatalf("attempt %d, chunk %d: %v, %v", attempt, i, p, err)
			}
		}
	}
}

func TestOtherCellComesLast(t *testing.T) {
	cells := []Cell{{Country: 5}, {Country: 5, ASN: 1}, {Country: 9}, {Other: true}, {Country: 1, Other: true}}
	for i, a := range cells {
		for j, b := range cells {
			if got := CompareCells(a, b); (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%+v against %+v: %d", a, b, got)
			}
		}
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
