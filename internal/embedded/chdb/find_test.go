package chdb

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	project := t.TempDir()
	below := filepath.Join(project, "internal", "deep")
	if err := os.MkdirAll(below, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
	put := func(root string) string {
		path := filepath.Join(root, inCache)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv(LibraryEnv, "")
	t.Setenv(CacheEnv, "")
	if _, err := Find(); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), `run "make libchdb"`) ||
		strings.Contains(err.Error(), "\n") {
		t.Errorf("without a library: %v", err)
	}
	expect := func(what, want string) {
		t.Helper()
		if got, err := Find(); got != want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", what, got, err, want)
		}
	}
	expect("above the working directory", put(filepath.Join(project, ".cache")))
	cache := t.TempDir()
	t.Setenv(CacheEnv, cache)
	expect("another cache", put(cache))
	named := put(t.TempDir())
	t.Setenv(LibraryEnv, named)
	expect("named", named)
	t.Setenv(LibraryEnv, "no/such/file")
	if _, err := Find(); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "no/such/file") {
		t.Errorf("named but not there: %v", err)
	}
}

func TestScriptFetchesThisVersion(t *testing.T) {
	script, err := os.ReadFile("../../../scripts/fetch-libchdb.sh")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(script), "\nversion="+Version+"\n") {
		t.Errorf("scripts/fetch-libchdb.sh does not fetch version %s", Version)
	}
}
