package architecture

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// module is the module's path with a slash behind it.
const module = "detour/"

// pkg is one package of the module, without its tests.
type pkg struct {
	path    string               // from the module's root
	files   map[string]*ast.File // by path from the root
	imports map[string]string    // import path -> a file that has it
}

// under reports whether p is in a folder, or in one below it.
func (p *pkg) under(folder string) bool {
	return p.path == folder || strings.HasPrefix(p.path, folder+"/")
}

// add parses one file into p.
func (p *pkg) add(t *testing.T, name string, src any) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	p.files[name] = file
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		p.imports[path] = name
	}
}

func newPkg(path string) *pkg {
	return &pkg{path: path, files: make(map[string]*ast.File), imports: make(map[string]string)}
}

// load parses every package of the module.
func load(t *testing.T) (packages []*pkg) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if name := entry.Name(); dir != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "bin") {
			return filepath.SkipDir
		}
		found, err := build.ImportDir(dir, 0)
		if err != nil { // no Go here, or only tests
			return nil
		}
		path, err := filepath.Rel(root, dir)
		if err != nil {
			return err
		}
		p := newPkg(filepath.ToSlash(path))
		for _, name := range found.GoFiles {
			src, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return err
			}
			p.add(t, p.path+"/"+name, src)
		}
		packages = append(packages, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return packages
}
