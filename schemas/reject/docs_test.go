package reject

import (
	"os"
	"testing"

	"detour/schemas/internal/golden"
)

func TestDocument(t *testing.T) {
	record, err := os.ReadFile("testdata/record.golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	golden.Section(t, "../../docs/formats/reject.md", "example", golden.Code("", string(record)))
}
