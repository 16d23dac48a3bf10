package readme

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what is generated")

func TestTheReferenceIsWhatTheProgramSays(t *testing.T) {
	path := filepath.Join(root, "docs", "configuration.md")
	want, err := exec.Command(detour, "config", "reference").Output()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if read(t, path) != string(want) {
		t.Errorf("%s is stale: run \"make golden\"", path)
	}
}
