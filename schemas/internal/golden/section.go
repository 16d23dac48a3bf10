package golden

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
)

// Section compares got with the part of a Markdown file between the lines <!-- name --> and <!-- /name -->: what a
// document says about code is written by the code.
func Section(t *testing.T, file, name, got string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := fmt.Sprintf("<!-- %s -->\n", name), fmt.Sprintf("<!-- /%s -->\n", name)
	before, rest, ok := strings.Cut(string(data), begin)
	want, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no section %s", file, name)
	}
	if want == got {
		return
	}
	if !*update {
		t.Errorf("%s: section %s differs (go test -update rewrites it); got\n%s", file, name, got)
		return
	}
	if err := os.WriteFile(file, []byte(before+begin+got+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Code returns text as a fenced block in a language.
func Code(language, text string) string {
	return "```" + language + "\n" + strings.TrimRight(text, "\n") + "\n```\n"
}

// Columns returns an Arrow schema as a Markdown table.
func Columns(schema *arrow.Schema) string {
	var b strings.Builder
	b.WriteString("| column | type | unit | null |\n|---|---|---|---|\n")
	for _, f := range schema.Fields() {
		unit, _ := f.Metadata.GetValue("unit")
		null := ""
		if f.Nullable {
			null = "allowed"
		}
		kind := f.Type.String()
		if l, ok := f.Type.(*arrow.ListType); ok {
			kind = "list of " + l.Elem().String()
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.Name, kind, unit, null)
	}
	return b.String()
}
