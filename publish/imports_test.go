package publish_test

import (
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"
)

// allowed is what the core may import: nothing with a clock, I/O, randomness or a logger, and no stage.
var allowed = map[string]bool{
	"crypto/ed25519": true, // signing is deterministic
	"errors":         true,
	"fmt":            true,
	"net/netip":      true,
	"slices":         true,

	"detour/schemas":          true,
	"detour/schemas/control":  true,
	"detour/schemas/decision": true,
	"detour/schemas/pathmap":  true,
	"detour/schemas/reject":   true,
}

func TestTheCoreIsPure(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil || !allowed[path] {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}
