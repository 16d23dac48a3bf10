package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"detour/internal/replay"
	"detour/schemas"
	"detour/schemas/pathmap"
)

// TestADemosMapsAreDerivedAgain verifies what a demo leaves, then forges a version and sees it found out.
func TestADemosMapsAreDerivedAgain(t *testing.T) {
	requireClickHouse(t)
	dir := filepath.Join(t.TempDir(), "demo")
	out, err := exec.Command(binary, "demo", "--exit", "--json", "--data", dir, "--scenario", file(t, "small.yaml", smallWorld)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, from := range []string{"windows", "samples"} {
		code, out, errs := cli(t, "verify", "--data", dir, "--from", from)
		if code != exitOK || !strings.Contains(out, "derived from "+from+", every digest agrees") {
			t.Errorf("from %s: exit code %d, %q, %q", from, code, out, errs)
		}
	}
	if code, out, _ := cli(t, "verify", "--data", dir, "--version", "3"); code != exitOK || !strings.Contains(out, "1 versions (3 to 3)") {
		t.Errorf("version 3: exit code %d, %q", code, out)
	}
	forgeVersion(t, dir)
	code, text, errs := cli(t, "verify", "--data", dir)
	if code != exitFailed || !strings.Contains(text, "differs: the log does not lead to it") {
		t.Errorf("a forged version: exit code %d, %q, %q", code, text, errs)
	}
	for _, args := range [][]string{{"--version", "1000"}, {"--from", "reports"}, {"--data", t.TempDir()}} {
		if code, _, errs := cli(t, append([]string{"verify", "--data", dir}, args...)...); code == exitOK {
			t.Errorf("%v: exit code %d, %q", args, code, errs)
		}
	}
}

// forgeVersion appends a version that extends the last one, with nobody rerouted.
func forgeVersion(t *testing.T, dir string) {
	t.Helper()
	var std strings.Builder
	err := withDemoLog(stdio{strings.NewReader(""), &std, &std}, dir, func(p *pipeline) error {
		ctx := context.Background()
		published, last, err := replay.Published(ctx, p.log)
		if err != nil {
			return err
		}
		forged := *published[last]
		m, err := forged.Manifest.Open(forged.Bytes)
		if err != nil {
			return err
		}
		m.Entries = nil
		if forged.Bytes, err = m.Encode(); err != nil {
			return err
		}
		before := forged.Manifest
		forged.Manifest.Version, forged.Manifest.Previous = last+1, before.Digest
		forged.Manifest.Digest, forged.Manifest.Size = pathmap.Digest(forged.Bytes), len(forged.Bytes)
		forged.Manifest.Entries = 0
		records, err := forged.Records(99)
		if err != nil {
			return err
		}
		if _, err = p.log.Append(ctx, schemas.Partition{Topic: schemas.Maps}, records); err != nil {
			return err
		}
		if _, now, err := replay.Published(ctx, p.log); err != nil || now != last+1 {
			return fmt.Errorf("readers did not take the forged version: %d, %v", now, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err, std.String())
	}
}
