// Package golden compares what a test got with a file of the repository. `go test -update` rewrites the files; without
// it, a file that is missing fails the test like one that differs.
package golden

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

// Text compares got with a file.
func Text(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test -update rewrites it, if that is what was meant); got\n%.4000s", file, got)
	}
}

// Bytes compares got with a binary file and with its hex dump beside it, so that a difference can be read.
func Bytes(t *testing.T, file string, got []byte) {
	t.Helper()
	Text(t, file+".hex", []byte(hex.Dump(got)))
	Text(t, file, got)
}
