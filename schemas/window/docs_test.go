package window

import (
	"encoding/json"
	"testing"

	"detour/schemas/internal/golden"
)

func TestDocument(t *testing.T) {
	const file = "../../docs/formats/window.md"
	golden.Section(t, file, "columns", golden.Columns(table.Schema()))
	head, err := json.MarshalIndent(batch().Head, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Section(t, file, "head", golden.Code("json", string(head)))
}
