package control

import (
	"encoding/json"
	"testing"

	"go.yaml.in/yaml/v3"

	"detour/schemas/internal/golden"
)

func TestDocument(t *testing.T) {
	const file = "../../docs/formats/control.md"
	g := genesis()
	value, err := json.MarshalIndent(Record{Genesis: &g}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Section(t, file, "genesis", golden.Code("json", string(value)))
	text, err := yaml.Marshal(DefaultPolicy())
	if err != nil {
		t.Fatal(err)
	}
	golden.Section(t, file, "policy", golden.Code("yaml", string(text)))
}
