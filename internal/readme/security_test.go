package readme

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestRightsAreTheScripts: docs/security.md shows the table that deploy/kafka/acls.sh grants by.
func TestRightsAreTheScripts(t *testing.T) {
	script := read(t, filepath.Join(root, "deploy", "kafka", "acls.sh"))
	_, table, found := strings.Cut(script, "<<'TABLE'\n")
	table, _, ended := strings.Cut(table, "TABLE\n")
	if !found || !ended || strings.Count(table, "\n") < 20 {
		t.Fatalf("acls.sh has no table: %q", table)
	}
	if !strings.Contains(read(t, filepath.Join(root, "docs", "security.md")), "```text\n"+table+"```\n") {
		t.Error("docs/security.md shows other rights than deploy/kafka/acls.sh grants")
	}
}
