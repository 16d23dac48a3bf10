// Package readme tests the documents: that the commands and settings in README.md exist, that links lead somewhere, and
// that the tests which docs/architecture.md names are there.
package readme

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the module's folder.
var root = filepath.Join("..", "..")

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// files returns the paths of all files with a suffix, outside of folders that begin with a dot.
func files(t *testing.T, suffix string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), ".") {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(path, suffix) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// link matches a link's target up to its fragment.
var link = regexp.MustCompile(`\]\(([^)#\s]+)`)

func TestLinksLeadSomewhere(t *testing.T) {
	for _, document := range files(t, ".md") {
		for _, found := range link.FindAllStringSubmatch(read(t, document), -1) {
			target := found[1]
			if strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(document), target)); err != nil {
				t.Errorf("%s links to %s, which is not there", document, target)
			}
		}
	}
}

var (
	named   = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9]*)`")
	defined = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Z][A-Za-z0-9]*)\(`)
)

func TestTestsThatDocumentsNameExist(t *testing.T) {
	exists := make(map[string]bool)
	for _, file := range files(t, "_test.go") {
		for _, found := range defined.FindAllStringSubmatch(read(t, file), -1) {
			exists[found[1]] = true
		}
	}
	for _, document := range files(t, ".md") {
		for _, found := range named.FindAllStringSubmatch(read(t, document), -1) {
			if !exists[found[1]] {
				t.Errorf("%s names %s, which is no test", document, found[1])
			}
		}
	}
}

// folder matches a path in the first column of the table of folders.
var folder = regexp.MustCompile("`([a-z][A-Za-z/.-]*)`")

func TestFoldersOfTheArchitectureExist(t *testing.T) {
	_, table, found := strings.Cut(read(t, filepath.Join(root, "docs", "architecture.md")), "## Where things live")
	table, _, _ = strings.Cut(table, "\n## ")
	if !found {
		t.Fatal("docs/architecture.md has no table of folders")
	}
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		for _, found := range folder.FindAllStringSubmatch(cells[1], -1) {
			rows++
			if _, err := os.Stat(filepath.Join(root, found[1])); err != nil {
				t.Errorf("docs/architecture.md describes %s, which is not there", found[1])
			}
		}
	}
	if rows < 20 {
		t.Errorf("only %d folders found: has the table another form now?", rows)
	}
}
