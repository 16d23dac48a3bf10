package realkafka

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Version is the release of Apache Kafka that scripts/fetch-kafka.sh fetches.
const Version = "4.4.0"

// CacheEnv moves the folder which the jars are under: .cache in the project's root.
const CacheEnv = "DETOUR_CACHE"

// inCache is the jars' place under the cache folder.
var inCache = filepath.Join("kafka", Version, "lib")

// ErrNotFound is wrapped by the error of a machine that lacks the jars or Java.
var ErrNotFound = errors.New("no Kafka to run")

// tools is what runs a broker.
type tools struct {
	java string // the program
	lib  string // folder of the jars
}

// find looks for Java at $JAVA_HOME and on the path, for the jars under $DETOUR_CACHE, else under .cache in the working
// directory or one above it.
func find() (tools, error) {
	java, err := exec.LookPath("java")
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java, err = exec.LookPath(filepath.Join(home, "bin", "java"))
	}
	if err != nil {
		return tools{}, fmt.Errorf("%w: install Java 17 or later, on Debian the package default-jre-headless: %w", ErrNotFound, err)
	}
	for _, place := range places() {
		if info, err := os.Stat(place); err == nil && info.IsDir() {
			return tools{java: java, lib: place}, nil
		}
	}
	return tools{}, fmt.Errorf(`%w: no jars of version %s; run "scripts/fetch-kafka.sh"`, ErrNotFound, Version)
}

func places() (all []string) {
	if cache := os.Getenv(CacheEnv); cache != "" {
		return []string{filepath.Join(cache, inCache)}
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil
	}
	for ; ; dir = filepath.Dir(dir) {
		all = append(all, filepath.Join(dir, ".cache", inCache))
		if dir == filepath.Dir(dir) {
			return all
		}
	}
}
