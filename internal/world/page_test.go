package world

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const page = "../../docs/scenarios.md"

func readPage(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The page on scenarios has a row for every key, kind of fault and shipped scenario.
func TestPageIsComplete(t *testing.T) {
	var rows string // their first cells
	for line := range strings.Lines(readPage(t)) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			rows += cells[1] + "\n"
		}
	}
	names := shipped()
	for kind := range faultKeys {
		names = append(names, kind)
	}
	for _, of := range []any{Scenario{}, Fault{}} {
		for f := range reflect.TypeOf(of).NumField() {
			names = append(names, reflect.TypeOf(of).Field(f).Tag.Get("yaml"))
		}
	}
	for _, name := range names {
		if !strings.Contains(rows, "`"+name+"`") {
			t.Errorf("%s has no row for %s", page, name)
		}
	}
}

// The page's example is a scenario.
func TestPageExample(t *testing.T) {
	_, rest, _ := strings.Cut(readPage(t), "```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	name := filepath.Join(t.TempDir(), "example.yaml")
	if err := os.WriteFile(name, []byte(example), 0o600); err != nil || !ok {
		t.Fatal(err, "or no example")
	}
	s, err := LoadScenario(name)
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	if w.Scenario().Runs < 100_000 || len(s.Faults) != 2 || len(s.Spans(0)) != 3 {
		t.Errorf("the example is %+v", w.Scenario())
	}
}
