package agent

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detour/schemas/pathmap"
)

// Whatever is in a cache file, loading it ends, in an error or in a map that fits its manifest.
func FuzzLoad(f *testing.F) {
	m := pathmap.Map{Genesis: strings.Repeat("a", 64), Policy: strings.Repeat("b", 64), Paths: []string{"direct", "proxy"}}
	data, err := m.Encode()
	if err != nil {
		f.Fatal(err)
	}
	manifest := pathmap.Manifest{Version: 1, Digest: pathmap.Digest(data), Size: len(data), Genesis: m.Genesis, Policy: m.Policy}
	path := filepath.Join(f.TempDir(), "map.cache")
	if err := save(path, &manifest, data); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("{}\n"))
	f.Add([]byte{})
	v := &verifier{paths: m.Paths, max: 1 << 20}
	f.Fuzz(func(t *testing.T, file []byte) {
		line, content, _ := bytes.Cut(file, []byte{'\n'})
		installed, err := check(v, line, content)
		if err != nil {
			return
		}
		again, err := installed.Map.Encode()
		if err != nil || pathmap.Digest(again) != installed.Manifest.Digest {
			t.Errorf("a map was taken that is not its manifest's: %v", err)
		}
	})
}
