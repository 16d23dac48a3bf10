package readme

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// block matches a fenced block that says that it is tested, and its language.
var block = regexp.MustCompile("(?ms)^```(sh|yaml) test\n(.*?)^```")

// blocks returns the tested blocks of a language in a document, README.md where none is named.
func blocks(t *testing.T, language string, path ...string) (found []string) {
	t.Helper()
	document := filepath.Join(append([]string{root}, path...)...)
	if len(path) == 0 {
		document = filepath.Join(root, "README.md")
	}
	for _, m := range block.FindAllStringSubmatch(read(t, document), -1) {
		if m[1] == language {
			found = append(found, m[2])
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no tested block of %s", document, language)
	}
	return found
}

// detour is the program, built once for all tests.
var detour string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "detour-readme-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	detour = filepath.Join(dir, "detour")
	if out, err := exec.Command("go", "build", "-o", detour, filepath.Join(root, "cmd", "detour")).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build detour: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func TestCommandsExist(t *testing.T) {
	makefile := read(t, filepath.Join(root, "Makefile"))
	for _, text := range blocks(t, "sh") {
		for line := range strings.Lines(text) {
			words := words(line)
			var err error
			switch {
			case len(words) == 0 || words[0] == "head":
			case words[0] == "make" && len(words) == 2:
				if !strings.Contains(makefile, "\n"+words[1]+":") {
					err = fmt.Errorf("there is no target %s", words[1])
				}
			case words[0] == "bin/detour" && len(words) > 1:
				err = checkCommand(words[1:])
			default:
				err = fmt.Errorf("this test does not know such a command")
			}
			if err != nil {
				t.Errorf("README.md: %q: %v", strings.TrimSpace(line), err)
			}
		}
	}
}

// words splits a line of shell, without its comment and what it is redirected to.
func words(line string) []string {
	line, _, _ = strings.Cut(line, "#")
	line, _, _ = strings.Cut(line, " > ")
	return strings.Fields(line)
}

// checkCommand asks the program's help whether a command, its verb and its flags exist.
func checkCommand(args []string) error {
	out, err := exec.Command(detour, args[0], "-h").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	help := string(out)
	usage, _, _ := strings.Cut(help, "\n")
	for i, arg := range args[1:] {
		name, isFlag := strings.CutPrefix(arg, "--")
		switch {
		case isFlag:
			if !regexp.MustCompile(`(?m)^  -` + regexp.QuoteMeta(name) + `\b`).MatchString(help) {
				return fmt.Errorf("there is no flag --%s", name)
			}
		case i == 0 && !slices.Contains(strings.Fields(usage), arg):
			return fmt.Errorf("%q does not take %s", usage, arg)
		}
	}
	return nil
}

func TestCheckCommandBites(t *testing.T) {
	for _, good := range []string{"config init", "dns --config x", "feed --config x --live", "policy show --config x"} {
		if err := checkCommand(strings.Fields(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"nothing", "config print", "dns --conf x", "policy --config x --force"} {
		if checkCommand(strings.Fields(bad)) == nil {
			t.Errorf("%s: no error", bad)
		}
	}
}

func TestSettingsAreTaken(t *testing.T) {
	configs := []string{filepath.Join(root, "deploy", "detour.yaml")}
	for _, text := range append(blocks(t, "yaml"), blocks(t, "yaml", "docs", "security.md")...) {
		path := filepath.Join(t.TempDir(), "detour.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		configs = append(configs, path)
	}
	for _, path := range configs {
		if out, err := exec.Command(detour, "config", "show", "--config", path).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
}
