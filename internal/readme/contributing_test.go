package readme

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// target matches a target that make prints.
var target = regexp.MustCompile(`(?m)^([a-z-]+):.*## `)

func TestContributingNamesEveryTargetAndNoOther(t *testing.T) {
	exists := map[string]bool{"help": true}
	text := read(t, filepath.Join(root, "CONTRIBUTING.md"))
	for _, found := range target.FindAllStringSubmatch(read(t, filepath.Join(root, "Makefile")), -1) {
		exists[found[1]] = true
		if found[1] != "help" && !strings.Contains(text, "`make "+found[1]+"`") {
			t.Errorf("CONTRIBUTING.md does not tell of make %s", found[1])
		}
	}
	for _, found := range regexp.MustCompile("`make ([a-z-]+)`").FindAllStringSubmatch(text, -1) {
		if !exists[found[1]] {
			t.Errorf("CONTRIBUTING.md tells of make %s, which is no target", found[1])
		}
	}
}
