package readme

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// page is the document that the tests here are about.
var page = filepath.Join("docs", "evaluate.md")

func TestCommandsOfTheEvaluationExist(t *testing.T) {
	for _, text := range blocks(t, "sh", page) {
		for line := range strings.Lines(text) {
			if words := words(line); len(words) < 2 || words[0] != "bin/detour" || checkCommand(words[1:]) != nil {
				t.Errorf("%s: %q: %v", page, strings.TrimSpace(line), words)
			}
		}
	}
}

// TestTheScenarioOfTheEvaluationIsTaken runs it, and wants every figure that it has in the page, and no other.
func TestTheScenarioOfTheEvaluationIsTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "world.yaml")
	if err := os.WriteFile(path, []byte(blocks(t, "yaml", page)[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(detour, "evaluate", "--worlds", path, "--seeds", "1", "--json").Output()
	if err != nil {
		t.Fatal(err, string(out))
	}
	var got struct{ Policy, Baselines map[string]any }
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	text := read(t, filepath.Join(root, page))
	told := make(map[string]bool)
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(text, -1) {
		first := ""
		for _, name := range regexp.MustCompile("`([a-z0-9_-]+)`").FindAllStringSubmatch(row[1], -1) {
			if strings.HasPrefix(name[1], "_p") { // the same figure at another quantile
				name[1] = regexp.MustCompile(`_p\d+$`).ReplaceAllString(first, name[1])
			} else {
				first = name[1]
			}
			told[name[1]] = true
		}
	}
	for name := range got.Policy {
		if !told[name] && name != "spread" {
			t.Errorf("%s does not tell what %s is", page, name)
		}
	}
	for name := range got.Baselines {
		if !told[name] {
			t.Errorf("%s does not tell what %s is", page, name)
		}
	}
	for name := range told {
		_, figure := got.Policy[name]
		_, rule := got.Baselines[name]
		_, scenario := os.Stat(filepath.Join(root, "internal", "world", "scenarios", name+".yaml"))
		if !figure && !rule && scenario != nil {
			t.Errorf("%s tells of %s, which is not there", page, name)
		}
	}
}
