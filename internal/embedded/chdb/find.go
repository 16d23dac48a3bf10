package chdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Version is the release of libchdb that this package was written for and that `make libchdb` fetches.
const Version = "26.5.3"

// LibraryEnv names the environment variable that points to a libchdb.so elsewhere, CacheEnv the one that moves the
// folder which `make libchdb` puts it under: .cache in the project's root.
const (
	LibraryEnv = "DETOUR_LIBCHDB"
	CacheEnv   = "DETOUR_CACHE"
)

// inCache is the library's place under the cache folder.
var inCache = filepath.Join("libchdb", Version, "libchdb.so")

// ErrNotFound is wrapped by Find's error where no library is installed.
var ErrNotFound = errors.New("libchdb.so not found")

var errSlim = fmt.Errorf(`%w: this program was built without ClickHouse's engine (build tag slim); "make build" in its sources makes one that has it`, ErrNotFound)

// Find returns the path of libchdb.so: what $DETOUR_LIBCHDB names, else the one under $DETOUR_CACHE, else under .cache in
// the working directory or one above it, else libchdb.so beside the executable.
func Find() (string, error) {
	if !builtIn {
		return "", errSlim
	}
	if named := os.Getenv(LibraryEnv); named != "" {
		if !isFile(named) {
			return "", fmt.Errorf(`%w: %s=%s is not a file; set it right, or unset it and run "make libchdb"`, ErrNotFound, LibraryEnv, named)
		}
		return named, nil
	}
	var places []string
	if cache := os.Getenv(CacheEnv); cache != "" {
		places = append(places, filepath.Join(cache, inCache))
	}
	if dir, err := os.Getwd(); err == nil {
		for ; ; dir = filepath.Dir(dir) {
			places = append(places, filepath.Join(dir, ".cache", inCache))
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	if exe, err := os.Executable(); err == nil {
		places = append(places, filepath.Join(filepath.Dir(exe), "libchdb.so"))
	}
	for _, place := range places {
		if isFile(place) {
			return place, nil
		}
	}
	return "", fmt.Errorf(`%w: run "make libchdb" to fetch version %s, or set %s to its path`, ErrNotFound, Version, LibraryEnv)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
