package realkafka

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	project := t.TempDir()
	java := filepath.Join(project, "bin", "java")
	lib, below := filepath.Join(project, ".cache", inCache), filepath.Join(project, "internal", "deep")
	for _, dir := range []string{filepath.Dir(java), below} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(below)
	t.Setenv(CacheEnv, "")
	t.Setenv("JAVA_HOME", project)
	if _, err := find(); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "install Java") {
		t.Errorf("without Java: %v", err)
	}
	if err := os.WriteFile(java, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := find(); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "scripts/fetch-kafka.sh") {
		t.Errorf("without jars: %v", err)
	}
	if err := os.MkdirAll(lib, 0o700); err != nil {
		t.Fatal(err)
	}
	if found, err := find(); err != nil || found != (tools{java: java, lib: lib}) {
		t.Errorf("found %+v, %v", found, err)
	}
	t.Setenv(CacheEnv, t.TempDir())
	if _, err := find(); !errors.Is(err, ErrNotFound) {
		t.Errorf("in an empty cache: %v", err)
	}
}

func TestScriptFetchesThisVersion(t *testing.T) {
	pom, err := os.ReadFile("../../../scripts/kafka/pom.xml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(pom), "<artifactId>kafka_2.13</artifactId>\n      <version>"+Version+"</version>") {
		t.Errorf("scripts/kafka/pom.xml does not name version %s", Version)
	}
	sums, err := os.ReadFile("../../../scripts/kafka/sha256sums")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(sums), "  kafka_2.13-"+Version+".jar\n") {
		t.Errorf("scripts/kafka/sha256sums does not know version %s", Version)
	}
}
