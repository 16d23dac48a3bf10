package sample

import (
	"encoding/json"
	"testing"

	"detour/schemas/internal/golden"
)

func TestDocument(t *testing.T) {
	const file = "../../docs/formats/sample.md"
	golden.Section(t, file, "columns", golden.Columns(table.Schema()))
	head, err := json.MarshalIndent(batch().Head, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Section(t, file, "head", golden.Code("json", string(head)))
	release, err := json.MarshalIndent(Released("0f", 1, 3, batch().Head.Mark), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Section(t, file, "release", golden.Code("json", string(release)))
}
