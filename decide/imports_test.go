package decide

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestImports keeps the core pure: what it may import, and what of package math is the same on every processor.
func TestImports(t *testing.T) {
	allowed := []string{
		"cmp", "fmt", "math", "net/netip", "slices", "sort",
		"detour/schemas", "detour/schemas/chunk", "detour/schemas/control", "detour/schemas/decision",
		"detour/schemas/reject", "detour/schemas/sample", "detour/schemas/window",
	}
	exact := []string{"Sqrt", "Floor", "Float64bits", "Float64frombits", "Pi", "MinInt32", "MaxInt32"}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !strings.HasSuffix(file.Name(), ".go") || strings.HasSuffix(file.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range f.Imports {
			if path, _ := strconv.Unquote(spec.Path.Value); !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s: the core has no clock, I/O, randomness or logger", file.Name(), path)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "math" && !slices.Contains(exact, sel.Sel.Name) {
					t.Errorf("%s uses math.%s: its results may differ between processors", file.Name(), sel.Sel.Name)
				}
			}
			return true
		})
	}
}
