package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"detour/internal/dataflow"
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
	before := folder(t, dir)
	all := regexp.MustCompile(`^(\d+) versions \(1 to (\d+)\)(, | and )\d+ ticks .*every digest agrees; [\d.]+ s\n$`)
	for _, from := range []string{"windows", "samples"} {
		code, out, errs := cli(t, "verify", "--all", "--data", dir, "--from", from)
		if m := all.FindStringSubmatch(out); code != exitOK || m == nil || m[1] != m[2] || !strings.Contains(out, "derived from "+from) ||
			!strings.Contains(out, "from the log's beginning") {
			t.Errorf("from %s: exit code %d, %q, %q", from, code, out, errs)
		}
		code, out, errs = cli(t, "verify", "--data", dir, "--version", "3", "--from", from)
		if code != exitOK || !strings.HasPrefix(out, "version 3") {
			t.Errorf("version 3 from %s: exit code %d, %q, %q", from, code, out, errs)
		}
	}
	if after := folder(t, dir); after != before {
		t.Errorf("the demo's folder was written to:\n%s\nwas\n%s", after, before)
	}
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{exitFailed, "holds no version 1000", []string{"--version", "1000"}},
		{exitConfig, "--from is", []string{"--from", "reports"}},
		{exitConfig, "contradict", []string{"--all", "--version", "3"}},
		{exitConfig, "versions begin at 1", []string{"--version", "0"}},
		{exitConfig, "", []string{"--data", t.TempDir()}},
	} {
		if code, _, errs := cli(t, append([]string{"verify", "--data", dir}, c.args...)...); code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit code %d, %q", c.args, code, errs)
		}
	}
	last := forgeVersion(t, dir)
	code, text, errs := cli(t, "verify", "--all", "--data", dir)
	if code != exitFailed || !strings.Contains(text, "differs: the log does not lead to it") || !strings.Contains(errs, "is not what the log says") {
		t.Errorf("a forged version: exit code %d, %q, %q", code, text, errs)
	}
	code, text, _ = cli(t, "verify", "--data", dir, "--json")
	var said struct {
		Versions, Ticks, Panes int
		Seconds                float64
		Difference             struct {
			Stage  string
			Number int64
		}
	}
	if err := json.Unmarshal([]byte(text), &said); err != nil || code != exitFailed || said.Versions == 0 || said.Ticks == 0 || said.Panes == 0 ||
		said.Seconds <= 0 || said.Difference.Stage != "version" || said.Difference.Number != last+1 {
		t.Errorf("as JSON: exit code %d, %v, %s", code, err, text)
	}
}

// folder lists the files below dir with their sizes and times.
func folder(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			b.WriteString(path + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// forgeVersion appends a version that extends the last one, with nobody rerouted. It returns the number of the last.
func forgeVersion(t *testing.T, dir string) (last int64) {
	t.Helper()
	var std strings.Builder
	cfg, err := readConfig(filepath.Join(dir, configName))
	if err != nil {
		t.Fatal(err)
	}
	maps := schemas.Partition{Topic: schemas.Maps}
	err = withBroker(cfg, stdio{strings.NewReader(""), &std, &std}, filepath.Join(dir, logFolder), func(p *pipeline) error {
		ctx := context.Background()
		_, end, err := p.log.Bounds(ctx, maps)
		if err != nil {
			return err
		}
		records, err := dataflow.Range(ctx, p.log, maps, 0, end)
		if err != nil {
			return err
		}
		var chain pathmap.Chain
		var forged *pathmap.Publication
		for i := range records {
			if v, err := chain.Add(&records[i]); err == nil && v != nil {
				forged = v
			}
		}
		m, err := forged.Manifest.Open(forged.Bytes)
		if err != nil {
			return err
		}
		m.Entries = nil
		if forged.Bytes, err = m.Encode(); err != nil {
			return err
		}
		last = forged.Manifest.Version
		forged.Manifest.Version, forged.Manifest.Previous = last+1, forged.Manifest.Digest
		forged.Manifest.Digest, forged.Manifest.Size = pathmap.Digest(forged.Bytes), len(forged.Bytes)
		forged.Manifest.Entries = 0
		if records, err = forged.Records(99); err != nil {
			return err
		}
		_, err = p.log.Append(ctx, maps, records)
		return err
	})
	if err != nil {
		t.Fatal(err, std.String())
	}
	return last
}
