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

	"detour/schemas/internal/golden"
)

var hashes = [2]string{strings.Repeat("0a", hashSize), strings.Repeat("ff", hashSize)}

// example is the map of the golden file, which docs/formats/pathmap.md explains byte by byte.
func example() *Map {
	return &Map{
		Genesis: hashes[0], Policy: hashes[1], Pane: 1_700_000_040_000, Paths: []string{"direct", "edge"},
		Entries: []Entry{
			entry("192.0.2.1", 1),
			entry("192.0.2.53", 1),
			entry("198.51.100.0/24", 1),
			entry("198.51.100.7", 0),
			entry("203.0.113.0/24", 1),
			entry("2001:db8::53", 1),
			entry("2001:db8:1::/48", 1),
		},
	}
}

func entry(subject string, path uint8) Entry {
	if p, err := netip.ParsePrefix(subject); err == nil {
		return Entry{p.Addr(), path, uint8(p.Bits())}
	}
	return Entry{Resolver: netip.MustParseAddr(subject), Path: path}
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
		{"default as entry", func(m *Map) { m.Entries[1].Path = 0 }, "entry 1: path 0 is what 192.0.2.53 gets without it"},
		{"default as prefix", func(m *Map) { m.Entries[4].Path = 0 }, "entry 4: path 0 is what 203.0.113.0/24 gets without it"},
		{"as its prefix says", func(m *Map) { m.Entries[3].Path = 1 }, "entry 3: path 1 is what 198.51.100.7 gets without it"},
		{"exception without a prefix", func(m *Map) { m.Entries = slices.Delete(m.Entries, 2, 3) }, "entry 2: path 0 is what"},
		{"bits", func(m *Map) { m.Entries[2].Bits = 23 }, "entry 2: prefix 198.51.100.0/23"},
		{"bits of the other family", func(m *Map) { m.Entries[6].Bits = 24 }, "entry 6: prefix 2001:db8:1::/24"},
		{"host bits", func(m *Map) { m.Entries[1].Bits = 24 }, "entry 1: prefix 192.0.2.53/24"},
		{"prefix behind what it covers", func(m *Map) { m.Entries[2], m.Entries[3] = m.Entries[3], m.Entries[2] }, "entry 2: path 0"},
		{"prefix behind its first address", func(m *Map) { m.Entries[3] = m.Entries[2]; m.Entries[2].Bits, m.Entries[2].Path = 0, 1 }, "entry 3: out of order"},
		{"order", func(m *Map) { slices.Reverse(m.Entries) }, "entry 1: out of order"},
		{"twice", func(m *Map) { m.Entries[1] = m.Entries[0] }, "entry 1: out of order"},
		{"no address", func(m *Map) { m.Entries[0].Resolver = netip.Addr{} }, "entry 0: resolver invalid"},
		{"mapped", func(m *Map) { m.Entries[0].Resolver = netip.MustParseAddr("::ffff:192.0.2.1") }, "entry 0: resolver ::ffff:"},
		{"zone", func(m *Map) { m.Entries[5].Resolver = netip.MustParseAddr("fe80::1%eth0") }, "entry 5: resolver fe80::1%eth0"},
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
		{"huge count", entries(append([]byte{0}, binary.AppendUvarint(nil, 1<<32)...)...), "a count of 4294967296"},
		{"huge count of prefixes", entries(binary.AppendUvarint(nil, 1<<24+1)...), "a count of 16777217"},
		{"count beyond the bytes", entries(0, 2, 1, 1, 0), "a count of 2 with 3 bytes left"},
		{"nothing listed", entries(0, 0, 0, 0), ""},
		{"distance 0", entries(0, 2, 5, 1, 0, 1, 0, 0), "entry 1: out of order"},
		{"distance 0 of prefixes", entries(2, 5, 1, 0, 1, 0, 0, 0), "entry 1: out of order"},
		{"first address 0", entries(0, 1, 0, 1, 0, 0), ""},
		{"first prefix and its first address", entries(1, 0, 1, 1, 0, 0, 0, 0), ""},
		{"as its prefix says", entries(1, 0, 1, 1, 255, 1, 1, 0, 0), "entry 1: path 1 is what 0.0.0.255 gets without it"},
		{"an exception without a prefix", entries(0, 1, 5, 0, 0, 0), "entry 0: path 0 is what 0.0.0.5 gets without it"},
		{"a prefix on the default path", entries(1, 5, 0, 0, 0, 0), "entry 0: path 0 is what 0.0.5.0/24 gets without it"},
		{"beyond the last address", entries(0, 2, 5, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 0, 0), "beyond 255.255.255.255"},
		{"beyond the last prefix", entries(2, 5, 1, 0xFF, 0xFF, 0xFF, 0x07, 1, 0, 0, 0), "beyond 255.255.255.255"},
		{"IPv4 as IPv6", entries(append([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 1, 2, 3, 4, 1)...), "entry 0: resolver ::ffff:1.2.3.4"},
		{"IPv6 prefixes out of order", entries(0, 0, 2, 0x20, 2, 0, 0, 0, 0, 1, 0x20, 1, 0, 0, 0, 0, 1, 0), "entry 1: out of order"},
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
func random(n int) *Map { return randomOf(n, 0) }

// randomOf returns one of prefixes, if bits says so.
func randomOf(n int, bits uint8) *Map {
	r := rand.New(rand.NewPCG(1, 2))
	m := &Map{Genesis: hashes[0], Policy: hashes[1], Paths: []string{"direct", "edge-a", "edge-b"}}
	seen := map[uint32]bool{}
	for len(seen) < n {
		a := r.Uint32()
		if bits > 0 {
			a &^= 1<<(32-bits) - 1
		}
		if seen[a] {
			continue
		}
		seen[a] = true
		quad := [4]byte(binary.BigEndian.AppendUint32(nil, a))
		m.Entries = append(m.Entries, Entry{Resolver: netip.AddrFrom4(quad), Path: uint8(1 + r.IntN(2)), Bits: bits})
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
	b.Run("encode prefixes", func(b *testing.B) {
		m := randomOf(50_000, 24)
		size := 0
		for b.Loop() {
			size = len(encode(b, m))
		}
		b.ReportMetric(float64(size)/float64(len(m.Entries)), "bytes/entry")
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
	m := Map{Paths: []string{"direct", "edge"}, Entries: []Entry{
		{Resolver: netip.MustParseAddr("192.0.2.53"), Path: 1},
		{Resolver: netip.MustParseAddr("198.51.100.0"), Bits: 24, Path: 1},
	}}
	for _, resolver := range []string{"192.0.2.53", "192.0.2.54", "198.51.100.7"} {
		fmt.Println(resolver, m.Paths[m.Path(netip.MustParseAddr(resolver))])
	}
	// Output:
	// 192.0.2.53 edge
	// 192.0.2.54 direct
	// 198.51.100.7 edge
}
