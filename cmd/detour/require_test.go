package main

import (
	"os"
	"testing"

	"detour/internal/embedded/chdb"
)

// requireClickHouse skips at home, and fails in CI, where the engine's library is missing.
func requireClickHouse(t *testing.T) {
	t.Helper()
	if _, err := chdb.Find(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}
