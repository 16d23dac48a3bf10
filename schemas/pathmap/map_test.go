package pathmap

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/internal/golden"
)

var hashes = [2]string{strings.Repeat("0a", hashSize), strings.Repeat("ff", hashSize)}

// example is the map of the golden file, which docs/formats/pathmap.md explains byte by byte.
func example() *Map {
	return &Map{
		Genesis: hashes[0], Policy: hashes[1], Pane: 1_700_000_040_000, Paths: []string{"direct", "edge"},
		Entries: []Entry{
			{netip.MustParseAddr("192.0.2.1"), 1},
			{netip.MustParseAddr("192.0.2.53"), 1},
			{netip.MustParseAddr("198.51.100.7"), 1},
			{netip.MustParseAddr("2001:db8::53"), 1},
		},
	}
}

func encode(t testing.TB, m *Map) []byte {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestGoldenBytes(t *testing.T) {
	data := encode(t, example())
	golden.Bytes(t, "testdata/map.golden", data)
	golden.Text(t, "testdata/digest.golden.txt", []byte(Digest(data)+"\n"))
	if got, err := Decode(data); err != nil || !reflect.DeepEqual(got, example()) {
		t.Errorf("%+v, %v", got, err)
	}
}

func anyAddr(t *rapid.T) netip.Addr {
	raw := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
	if a := netip.AddrFrom16([16]byte(raw)); rapid.Bool().Draw(t, "v6") && !a.Is4In6() {
		return a
	}
	return netip.AddrFrom4([4]byte{raw[0] & 3, 0, 0, raw[3]}) // close together: neighbours and repeats
}

// Whatever goes in comes out, every resolver gets what a Go map says, and others the default.
func TestAgainstGoMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &Map{
			Genesis: hashes[0], Policy: hashes[1], Pane: rapid.Int64().Draw(t, "pane"),
			Paths:   rapid.SliceOfN(rapid.StringN(0, 20, MaxPathName), 2, 5).Draw(t, "paths"),
			Entries: []Entry{},
		}
		m.Default = uint8(rapid.IntRange(0, len(m.Paths)-1).Draw(t, "default"))
		want := map[netip.Addr]uint8{}
		for range rapid.IntRange(0, 40).Draw(t, "entries") {
			path := uint8(rapid.IntRange(0, len(m.Paths)-1).Draw(t, "path"))
			if path != m.Default {
				want[anyAddr(t)] = path
			}
		}
		for a, path := range want {
			m.Entries = append(m.Entries, Entry{a, path})
		}
		slices.SortFunc(m.Entries, Compare)
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(data)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Fatalf("%+v, %v", got, err)
		}
		for range 20 {
			a := anyAddr(t)
			path, ok := want[a]
			if !ok {
				path = m.Default
			}
			if got.Path(a) != path || a.Is4() && got.Path(netip.AddrFrom16(a.As16())) != path {
				t.Fatalf("%s gets path %d, want %d", a, got.Path(a), path)
			}
		}
	})
}

func TestEncodeRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Map)
		want   string
	}{
		{"no paths", func(m *Map) { m.Paths = nil }, "0 paths"},
		{"too many paths", func(m *Map) { m.Paths = make([]string, 256) }, "256 paths"},
		{"long name", func(m *Map) { m.Paths[0] = strings.Repeat("x", 256) }, "path name of 256 bytes"},
		{"default", func(m *Map) { m.Default = 2 }, "2 paths with default 2"},
		{"path", func(m *Map) { m.Entries[1].Path = 2 }, "entry 1: path 2 of 2"},
		{"default as entry", func(m *Map) { m.Entries[1].Path = 0 }, "entry 1: path 0"},
		{"order", func(m *Map) { slices.Reverse(m.Entries) }, "entry 1: out of order"},
		{"twice", func(m *Map) { m.Entries[1] = m.Entries[0] }, "entry 1: out of order"},
		{"no address", func(m *Map) { m.Entries[0].Resolver = netip.Addr{} }, "entry 0: resolver invalid"},
		{"mapped", func(m *Map) { m.Entries[0].Resolver = netip.MustParseAddr("::ffff:192.0.2.1") }, "entry 0: resolver ::ffff:"},
		{"zone", func(m *Map) { m.Entries[3].Resolver = netip.MustParseAddr("fe80::1%eth0") }, "entry 3: resolver fe80::1%eth0"},
		{"genesis", func(m *Map) { m.Genesis = "0f" }, "not a SHA-256"},
		{"policy", func(m *Map) { m.Policy = strings.Repeat("x", 64) }, "not a SHA-256"},
	}
	for _, tt := range tests {
		m := example()
		tt.change(m)
		if _, err := m.Encode(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := encode(t, example())
	head := good[:bytes.Index(good, []byte("edge"))+5] // up to the default path's index
	entries := func(b ...byte) []byte { return append(bytes.Clone(head), b...) }
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "it is cut short"},
		{"other version", append([]byte("DETOURM\x02"), good[8:]...), "not a map of format 1"},
		{"more behind", append(bytes.Clone(good), 0), "1 bytes behind its end"},
		{"overlong varint", entries(0x80, 0x00, 0), "overlong varint"},
		{"endless varint", entries(bytes.Repeat([]byte{0xFF}, 20)...), "broken or overlong varint"},
		{"huge count", entries(binary.AppendUvarint(nil, 1<<32)...), "a count of 4294967296"},
		{"count beyond the bytes", entries(2, 1, 1, 0), "a count of 2 with 3 bytes left"},
		{"distance 0", entries(2, 5, 1, 0, 1, 0), "entry 1: out of order"},
		{"first address 0", entries(1, 0, 1, 0), ""},
		{"beyond the last address", entries(2, 5, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 0), "beyond 255.255.255.255"},
		{"IPv4 as IPv6", entries(append([]byte{0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 1, 2, 3, 4, 1)...), "entry 0: resolver ::ffff:1.2.3.4"},
	}
	for _, tt := range tests {
		_, err := Decode(tt.data)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	for n := range good {
		if _, err := Decode(good[:n]); err == nil {
			t.Errorf("cut to %d of %d bytes it is accepted", n, len(good))
		}
	}
}

// A count says nothing about memory: entries take it as their bytes come, and a decoded one is 16 times its least bytes.
func TestForgedCountsAllocateLittle(t *testing.T) {
	good := encode(t, example())
	for at := range good {
		bad := slices.Concat(good[:at], binary.AppendUvarint(nil, 1<<31), make([]byte, 1000))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = Decode(bad)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 32*uint64(len(bad)) {
			t.Errorf("at %d: %d bytes allocated for %d", at, got, len(bad))
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(f, example()))
	f.Add(encode(f, &Map{Genesis: hashes[0], Policy: hashes[1], Paths: []string{""}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(data)
		if err != nil {
			return
		}
		if again, err := m.Encode(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("%x is not canonical: %x, %v", data, again, err)
		}
	})
}

// random returns a map of n random IPv4 resolvers, half of them on one path.
func random(n int) *Map {
	r := rand.New(rand.NewPCG(1, 2))
	m := &Map{Genesis: hashes[0], Policy: hashes[1], Paths: []string{"direct", "edge-a", "edge-b"}}
	seen := map[uint32]bool{}
	for len(seen) < n {
		a := r.Uint32()
		if seen[a] {
			continue
		}
		seen[a] = true
		quad := [4]byte(binary.BigEndian.AppendUint32(nil, a))
		m.Entries = append(m.Entries, Entry{netip.AddrFrom4(quad), uint8(1 + r.IntN(2))})
	}
	slices.SortFunc(m.Entries, Compare)
	return m
}

func BenchmarkMap(b *testing.B) {
	m := random(200_000)
	data := encode(b, m)
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			encode(b, m)
		}
		b.ReportMetric(float64(len(data))/float64(len(m.Entries)), "bytes/entry")
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := Decode(data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("path", func(b *testing.B) {
		i := 0
		for b.Loop() {
			m.Path(m.Entries[i%len(m.Entries)].Resolver)
			i += 7919
		}
	})
}

func ExampleMap_Path() {
	m := Map{Paths: []string{"direct", "edge"}, Entries: []Entry{{netip.MustParseAddr("192.0.2.53"), 1}}}
	fmt.Println(m.Paths[m.Path(netip.MustParseAddr("192.0.2.53"))], m.Paths[m.Path(netip.MustParseAddr("192.0.2.54"))])
	// Output: edge direct
}
