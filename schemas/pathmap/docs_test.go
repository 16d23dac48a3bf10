package pathmap

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"detour/schemas/internal/golden"
)

// The document explains the golden file byte by byte; the lengths here are by hand, so that a field that moves is seen.
func TestDocument(t *testing.T) {
	const file = "../../docs/formats/pathmap.md"
	data := encode(t, example())
	fields := []struct {
		size    int
		meaning string
	}{
		{8, `magic: "DETOURM", format 1`},
		{32, "genesis hash"},
		{32, "policy hash"},
		{8, "pane: 1700000040000 ms, 2023-11-14 22:14:00 UTC"},
		{1, "2 paths"},
		{1, "name of 6 bytes"},
		{6, `path 0: "direct"`},
		{1, "name of 4 bytes"},
		{4, `path 1: "edge"`},
		{1, "default path: 0"},
		{1, "2 IPv4 prefixes"},
		{4, "198.51.100.0/24: 12,989,284 after 0, in steps of 256 addresses"},
		{1, "path 1"},
		{3, "203.0.113.0/24: 314,637 after it"},
		{1, "path 1"},
		{1, "3 IPv4 resolvers"},
		{5, "192.0.2.1: 3,221,225,985 after 0"},
		{1, "path 1"},
		{1, "192.0.2.53: 52 after it"},
		{1, "path 1"},
		{4, "198.51.100.7: 104,030,674 after it"},
		{1, "path 0: an exception in 198.51.100.0/24"},
		{1, "1 IPv6 prefix"},
		{6, "2001:db8:1::/48"},
		{1, "path 1"},
		{1, "1 IPv6 resolver"},
		{16, "2001:db8::53"},
		{1, "path 1"},
	}
	var text strings.Builder
	at := 0
	for _, f := range fields {
		for from := at; from < at+f.size; from += 16 {
			meaning := f.meaning
			if from > at {
				meaning = ""
			}
			line := fmt.Sprintf("%04x  %-47x  %s", from, spaced(data[from:min(from+16, at+f.size)]), meaning)
			text.WriteString(strings.TrimRight(line, " ") + "\n")
		}
		at += f.size
	}
	if at != len(data) {
		t.Fatalf("%d of %d bytes are explained", at, len(data))
	}
	golden.Section(t, file, "bytes", golden.Code("", text.String()))
	manifest, err := os.ReadFile("testdata/manifest.golden.json")
	if err != nil {
		t.Fatal(err)
	}
	golden.Section(t, file, "manifest", golden.Code("json", string(manifest)))
}

// spaced formats as hex digits with a space after every byte.
type spaced []byte

func (b spaced) Format(s fmt.State, _ rune) {
	width, _ := s.Width()
	fmt.Fprintf(s, "%-*s", width, fmt.Sprintf("% x", []byte(b)))
}
