package sample

import (
	"bytes"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/arrowio"
	"detour/schemas/internal/golden"
)

func batch() *Batch {
	v4, v6 := netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("2001:db8::53")
	return &Batch{
		Head: Head{
			Genesis: "0f", Source: 1, Sources: 3, From: 40, To: 43, Origin: 1_700_000_000_000, Mark: 1_700_000_060_000,
			Counts: Counts{Reports: 2, Samples: 3, Rejected: 1, Partial: 4},
		},
		Samples: []Sample{
			{Time: 1_700_000_000_123, Offset: 40, Client: math.MaxUint64, Resolver: v4, ASN: 64500, Country: 'D'<<8 | 'E', Class: New, Status: 200, Duration: 310_250},
			{Time: 1_700_000_000_123, Offset: 40, Ordinal: 1, Client: math.MaxUint64, Resolver: v4, ASN: 64500, Country: 'D'<<8 | 'E', Path: 1, Class: New, Status: 204, Duration: 155_125, Ratio: -RatioOne, Paired: true},
			{Time: 1_700_000_059_000, Offset: 42, Ordinal: 7, Run: 1, Resolver: v6, Path: 1, Class: Reused, Outcome: GatewayError, Flags: Late | Skewed, Status: 504},
		},
	}
}

func TestGoldenBytes(t *testing.T) {
	data, err := batch().Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden.Bytes(t, "testdata/batch.golden", data)
	got, err := Decode(data)
	if err != nil || !reflect.DeepEqual(got, batch()) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAReleaseComesBackAsItIs(t *testing.T) {
	for _, to := range []int64{NoRelease, 1_700_000_000_000} {
		want := &Batch{Head: Released("0f", 1, 3, to), Samples: []Sample{}}
		data, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(data); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// anyBatch draws batches that an ingest may write.
func anyBatch(t *rapid.T) *Batch {
	h := Head{
		Genesis: rapid.String().Draw(t, "genesis"), Sources: rapid.IntRange(1, 1000).Draw(t, "sources"),
		From: rapid.Int64Range(0, 1<<60).Draw(t, "from"), Mark: rapid.Int64().Draw(t, "mark"),
		Counts: Counts{Samples: rapid.Int64().Draw(t, "samples")},
	}
	h.Source = int32(rapid.IntRange(0, h.Sources-1).Draw(t, "source"))
	h.To = h.From + rapid.Int64Range(0, 50).Draw(t, "span")
	b := &Batch{Head: h, Samples: []Sample{}}
	if h.To > h.From {
		b.Samples = append(b.Samples, rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Sample { return anySample(t, &h) }), 0, 30).Draw(t, "rows")...)
	}
	slices.SortFunc(b.Samples, func(a, c Sample) int {
		if a.Offset == c.Offset && a.Ordinal == c.Ordinal {
			return 0
		}
		if before(&a, &c) {
			return -1
		}
		return 1
	})
	b.Samples = slices.CompactFunc(b.Samples, func(a, c Sample) bool { return a.Offset == c.Offset && a.Ordinal == c.Ordinal })
	return b
}

func anySample(t *rapid.T, h *Head) Sample {
	s := Sample{
		Time:    rapid.Int64().Draw(t, "time"),
		Offset:  rapid.Int64Range(h.From, h.To-1).Draw(t, "offset"),
		Ordinal: rapid.Int32Range(0, 5).Draw(t, "ordinal"), Run: rapid.Int32().Draw(t, "run"),
		Client: rapid.Uint64().Draw(t, "client"), ASN: rapid.Uint32().Draw(t, "asn"),
		Resolver: netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "v4"))),
		Country:  Country(rapid.Uint16().Draw(t, "country")), Path: rapid.Uint8().Draw(t, "path"),
		Class: Class(rapid.IntRange(0, Classes-1).Draw(t, "class")), Outcome: Outcome(rapid.IntRange(0, Outcomes-1).Draw(t, "outcome")),
		Flags: rapid.Uint8().Draw(t, "flags"), Status: rapid.Uint16().Draw(t, "status"),
		Duration: rapid.Uint32().Draw(t, "duration"), Paired: rapid.Bool().Draw(t, "paired"),
	}
	if s.Paired {
		s.Ratio = rapid.Int16().Draw(t, "ratio")
	}
	return s
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyBatch(t)
		data, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(data); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Batch)
		want   string
	}{
		{"source beyond sources", func(b *Batch) { b.Head.Source = 3 }, "head: source 3 of 3"},
		{"negative source", func(b *Batch) { b.Head.Source = -1 }, "head: source -1"},
		{"range that ends before it begins", func(b *Batch) { b.Head.To = 39 }, "offsets [40, 39)"},
		{"negative offset", func(b *Batch) { b.Head.From = -1 }, "offsets [-1, 43)"},
		{"release before time", func(b *Batch) { *b = Batch{Head: Released("0f", 1, 3, -1)} }, "release to -1"},
		{"release of a range", func(b *Batch) { b.Head.Release = new(int64) }, "release to 0 with offsets [40, 43) and 3 rows"},
		{"row before the range", func(b *Batch) { b.Samples[0].Offset = 39 }, "row 0: offset 39"},
		{"row behind the range", func(b *Batch) { b.Samples[2].Offset = 43 }, "row 2: offset 43"},
		{"class", func(b *Batch) { b.Samples[1].Class = Classes }, "row 1: offset 40, class 3"},
		{"outcome", func(b *Batch) { b.Samples[1].Outcome = Outcomes }, "outcome 4"},
		{"order", func(b *Batch) { b.Samples[1].Ordinal = 0 }, "row 1: out of order"},
	}
	for _, tt := range tests {
		b := batch()
		tt.change(b)
		data, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(data)
		if got != nil || err == nil || !strings.HasPrefix(err.Error(), "decode sample: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
}

func TestCountry(t *testing.T) {
	tests := []struct{ in, want, err string }{
		{"", "", ""},
		{"DE", "DE", ""},
		{"us", "US", ""},
		{"D", "", "not two letters"},
		{"DEU", "", "not two letters"},
		{"D1", "", "not two letters"},
		{"[]", "", "not two letters"},
		{"é", "", "not two letters"},
	}
	for _, tt := range tests {
		c, err := ParseCountry(tt.in)
		if c.String() != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: %q, %v", tt.in, c, err)
		}
	}
}

func TestNames(t *testing.T) {
	if got := New.String() + " " + Unreachable.String() + " " + Class(9).String(); got != "new unreachable invalid(9)" {
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

func BenchmarkBatch(b *testing.B) {
	full := batch()
	for i := range 1000 {
		s := full.Samples[2]
		s.Ordinal += int32(i) + 1
		full.Samples = append(full.Samples, s)
	}
	data, err := full.Encode()
	if err != nil {
		b.Fatal(err)
	}
	perSample := func(b *testing.B) {
		b.ReportMetric(float64(len(full.Samples)*b.N)/b.Elapsed().Seconds(), "samples/s")
		b.ReportMetric(float64(len(data))/float64(len(full.Samples)), "bytes/sample")
	}
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			if _, err := full.Encode(); err != nil {
				b.Fatal(err)
			}
		}
		perSample(b)
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := Decode(data); err != nil {
				b.Fatal(err)
			}
		}
		perSample(b)
	})
}
