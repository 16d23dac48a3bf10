package arrowio

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"pgregory.net/rapid"

	"detour/schemas/internal/golden"
)

type row struct {
	A   int8
	B   uint64
	C   int16
	Has bool
	IP  netip.Addr
	L   []uint32
	M   []int16
}

type head struct {
	Text string `json:"text"`
	N    int64  `json:"n"`
}

var table = NewTable[row, head](
	"row", 1,
	Number("a", "1", func(r *row) *int8 { return &r.A }),
	Number("b", "us", func(r *row) *uint64 { return &r.B }),
	Optional("c", "octaves", func(r *row) *int16 { return &r.C }, func(r *row) *bool { return &r.Has }),
	Address("ip", func(r *row) *netip.Addr { return &r.IP }),
	List("l", "samples", func(r *row) *[]uint32 { return &r.L }),
	List("m", "bins", func(r *row) *[]int16 { return &r.M }),
)

func anyRow(t *rapid.T) row {
	r := row{
		A: rapid.Int8().Draw(t, "a"), B: rapid.Uint64().Draw(t, "b"), Has: rapid.Bool().Draw(t, "has"),
		L: anyList[uint32](t), M: anyList[int16](t),
	}
	if r.Has {
		r.C = rapid.Int16().Draw(t, "c")
	}
	var ip [16]byte
	copy(ip[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ip"))
	if r.IP = netip.AddrFrom16(ip); rapid.Bool().Draw(t, "v4") {
		r.IP = netip.AddrFrom4([4]byte(ip[:4]))
	}
	return r
}

func anyList[T Int](t *rapid.T) []T {
	if s := rapid.SliceOfN(rapid.Make[T](), 0, 5).Draw(t, "list"); len(s) > 0 {
		return s
	}
	return nil
}

func encode(t testing.TB, rows ...row) []byte {
	t.Helper()
	data, err := table.Encode(&head{"h", -1}, rows)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(anyRow), 0, 20).Draw(t, "rows")
		want := head{rapid.String().Draw(t, "text"), rapid.Int64().Draw(t, "n")}
		data, err := table.Encode(&want, rows)
		if err != nil {
			t.Fatal(err)
		}
		h, got, err := table.Decode(data)
		if err != nil || *h != want || !reflect.DeepEqual(got, rows) {
			t.Fatalf("%+v, %+v, %v", h, got, err)
		}
		if h, err := table.Head(data); err != nil || *h != want {
			t.Fatalf("head alone: %+v, %v", h, err)
		}
		for i := range data { // rows do not alias the record
			data[i] = 0xFF
		}
		if !reflect.DeepEqual(got, rows) {
			t.Fatal("rows changed with the bytes")
		}
	})
}

func TestGoldenBytes(t *testing.T) {
	golden.Bytes(t, "testdata/rows.golden", encode(t,
		row{A: -1, B: 1 << 40, C: -7, Has: true, IP: netip.MustParseAddr("192.0.2.53"), L: []uint32{1, 2}, M: []int16{-3}},
		row{A: 127, IP: netip.MustParseAddr("2001:db8::53"), L: []uint32{math.MaxUint32}},
	))
}

// parts of a table that a forger writes with the library: fields, arrays, and what the schema says about itself.
type forged struct {
	fields  []arrow.Field
	arrays  []arrow.Array
	name    string
	head    string
	options []ipc.Option
	batches int
}

func forge(t *testing.T, change func(*forged)) []byte {
	t.Helper()
	rows := []row{{A: 1, IP: netip.MustParseAddr("192.0.2.1"), L: []uint32{1, 2, 3}}, {A: 2, IP: netip.MustParseAddr("::1"), M: []int16{9}}}
	f := &forged{fields: table.schema.Fields(), name: table.name, head: `{"text":"h","n":1}`, batches: 1}
	for _, c := range table.columns {
		f.arrays = append(f.arrays, array.MakeFromData(c.encode(rows)))
	}
	change(f)
	meta := arrow.NewMetadata([]string{nameKey, headKey}, []string{f.name, f.head})
	schema := arrow.NewSchema(f.fields, &meta)
	var out bytes.Buffer
	w := ipc.NewWriter(&out, append(f.options, ipc.WithSchema(schema))...)
	for range f.batches {
		if err := w.Write(array.NewRecord(schema, f.arrays, int64(len(rows)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func lists(offsets ...int32) arrow.Array {
	dtype := arrow.ListOfField(arrow.Field{Name: "item", Type: arrow.PrimitiveTypes.Uint32})
	child := fixed(3, nil, []uint32{1, 2, 3})
	buffers := []*memory.Buffer{nil, memory.NewBufferBytes(arrow.GetBytes(offsets))}
	return array.MakeFromData(array.NewData(dtype, 2, buffers, []arrow.ArrayData{child}, 0, 0))
}

func TestForgedContent(t *testing.T) {
	tests := []struct {
		name, want string
		change     func(*forged)
	}{
		{"nothing", "", func(*forged) {}},
		{"other record", `record is "sample-v1"`, func(f *forged) { f.name = "sample-v1" }},
		{"other version", `record is "row-v2"`, func(f *forged) { f.name = "row-v2" }},
		{"no head", "head: EOF", func(f *forged) { f.head = "" }},
		{"head is no JSON", "head: invalid character", func(f *forged) { f.head = "{x" }},
		{"head with another field", `head: json: unknown field "x"`, func(f *forged) { f.head = `{"x":1}` }},
		{"head with more behind", "head: more behind the JSON value", func(f *forged) { f.head = `{} {}` }},
		{"missing column", "columns differ", func(f *forged) { f.fields, f.arrays = f.fields[1:], f.arrays[1:] }},
		{"other unit", "columns differ", func(f *forged) {
			f.fields[1].Metadata = arrow.NewMetadata([]string{"unit"}, []string{"ms"})
		}},
		{"other name", "columns differ", func(f *forged) { f.fields[1].Name = "z" }},
		{"other type", "columns differ", func(f *forged) {
			f.fields[0].Type = arrow.PrimitiveTypes.Uint8
			f.arrays[0] = array.MakeFromData(fixed(2, nil, []uint8{1, 2}))
		}},
		{"dictionary", "columns differ", func(f *forged) {
			dict := array.NewDictionaryArray(
				&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.PrimitiveTypes.Int8},
				array.MakeFromData(fixed(2, nil, []int8{0, 0})), array.MakeFromData(fixed(1, nil, []int8{5})),
			)
			f.fields[0].Type, f.arrays[0] = dict.DataType(), dict
		}},
		{"no batch", "no record batch", func(f *forged) { f.batches = 0 }},
		{"two batches", "message 3 is a RecordBatch", func(f *forged) { f.batches = 2 }},
		{"zstd", "the record batch is compressed", func(f *forged) { f.options = []ipc.Option{ipc.WithZstd()} }},
		{"lz4", "the record batch is compressed", func(f *forged) { f.options = []ipc.Option{ipc.WithLZ4()} }},
		{"lists", "", func(f *forged) { f.arrays[4] = lists(0, 1, 3) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, rows, err := decode(forge(t, tt.change))
			if tt.want == "" {
				if err != nil || len(rows) != 2 {
					t.Errorf("%d rows, %v", len(rows), err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), "decode row-v1: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// The library refuses to write offsets that are wrong, so these are put over right ones.
func TestForgedOffsets(t *testing.T) {
	want := arrow.GetBytes([]int32{77, 78, 80})
	data := forge(t, func(f *forged) {
		f.arrays[4] = array.MakeFromData(array.NewData(
			f.arrays[4].DataType(), 2,
			[]*memory.Buffer{nil, memory.NewBufferBytes(arrow.GetBytes([]int32{0, 1, 3}))},
			[]arrow.ArrayData{fixed(3, nil, []uint32{77, 78, 80})}, 0, 0,
		))
	})
	values := bytes.Index(data, want)
	at := bytes.LastIndex(data[:values], arrow.GetBytes([]int32{0, 1, 3}))
	if at < 0 {
		t.Fatal("no offsets in the stream")
	}
	for _, offsets := range [][3]int32{
		{0, 4, 3},
		{0, 1, 4},
		{-1, 1, 3},
		{0, -1, 3},
		{2, 1, 3},
		{0, math.MaxInt32, math.MaxInt32},
		{math.MinInt32, 0, 3},
		{0, 0, math.MaxInt32},
	} {
		bad := bytes.Clone(data)
		copy(bad[at:], arrow.GetBytes(offsets[:]))
		if _, _, err := decode(bad); err == nil {
			t.Errorf("offsets %v are accepted", offsets)
		}
	}
}

// stream is a value without its checksum.
func stream(value []byte) []byte { return value[:len(value)-4] }

// decode decodes a stream under a checksum that fits it: what is wrong with it then is not the checksum.
func decode(stream []byte) (*head, []row, error) { return table.Decode(Seal(bytes.Clone(stream))) }

func TestAFlippedBitIsNoticed(t *testing.T) {
	value := encode(t, row{A: 3, IP: netip.MustParseAddr("192.0.2.1"), L: []uint32{1}})
	for bit := range 8 * len(value) {
		value[bit/8] ^= 1 << (bit % 8)
		if _, _, err := table.Decode(value); err == nil || !strings.Contains(err.Error(), "checksum") {
			t.Fatalf("bit %d of %d: %v", bit, 8*len(value), err)
		}
		value[bit/8] ^= 1 << (bit % 8)
	}
}

func TestTruncatedAnywhere(t *testing.T) {
	value := encode(t, row{IP: netip.MustParseAddr("192.0.2.1"), L: []uint32{1}})
	for n := range value {
		if _, _, err := table.Decode(value[:n:n]); err == nil {
			t.Errorf("cut to %d of %d bytes it is accepted", n, len(value))
		}
		_, _ = table.Head(value[:n:n]) // looks no further than the head, and never panics
	}
	data := stream(value)
	for n := range data {
		if _, _, err := decode(data[:n:n]); err == nil {
			t.Errorf("a stream cut to %d of %d bytes is accepted", n, len(data))
		}
	}
	if _, _, err := decode(append(bytes.Clone(data), 0)); err == nil || !strings.Contains(err.Error(), "behind the end") {
		t.Errorf("with a byte more: %v", err)
	}
}

// Whatever length, count or offset a stream claims in any of its words, decoding it allocates little.
func TestForgedWordsAllocateLittle(t *testing.T) {
	var rows []row
	for i := range 8 {
		rows = append(rows, row{A: int8(i), IP: netip.MustParseAddr("192.0.2.1"), L: []uint32{1, 2}, M: []int16{3}})
	}
	data := stream(encode(t, rows...))
	for _, word := range []uint64{
		0x7F, 1 << 20, 1<<31 - 1, 1 << 31, 1 << 40, 1<<63 - 1, math.MaxUint64,
	} {
		for at := 0; at+8 <= len(data); at += 4 {
			for _, size := range []int{4, 8} {
				bad := bytes.Clone(data)
				var raw [8]byte
				binary.LittleEndian.PutUint64(raw[:], word)
				copy(bad[at:at+size], raw[:])
				if got := allocated(bad); got > 8*uint64(len(bad))+1<<18 {
					t.Errorf("%#x in %d bytes at %d of %d: %d bytes allocated", word, size, at, len(bad), got)
				}
			}
		}
	}
}

// allocated returns the bytes that decoding takes.
func allocated(data []byte) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, _ = decode(data)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestOptionalWithoutValidity(t *testing.T) {
	c := table.columns[2]
	got := make([]row, 2)
	if err := c.decode(fixed(2, nil, []int16{5, 6}), got); err != nil || !got[1].Has || got[1].C != 6 {
		t.Errorf("%+v, %v", got, err)
	}
	short := array.NewData(arrow.PrimitiveTypes.Int16, 9, []*memory.Buffer{
		memory.NewBufferBytes([]byte{0xFF}), memory.NewBufferBytes(make([]byte, 18)),
	}, nil, 0, 0)
	if err := c.decode(short, make([]row, 9)); err == nil {
		t.Errorf("%d bytes of validity are enough for 9 rows", bitutil.BytesForBits(8))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(stream(encode(f)))
	f.Add(stream(encode(f, row{A: -1, Has: true, C: 4, IP: netip.MustParseAddr("192.0.2.53"), L: []uint32{1, 2}, M: []int16{-3}})))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, rows, err := decode(data)
		if err != nil {
			return
		}
		again, err := table.Encode(h, rows)
		if err != nil {
			t.Fatal(err)
		}
		h2, rows2, err := table.Decode(again)
		if err != nil || !reflect.DeepEqual(h, h2) || !reflect.DeepEqual(rows, rows2) {
			t.Errorf("%+v %+v, then %+v %+v, %v", h, rows, h2, rows2, err)
		}
	})
}
