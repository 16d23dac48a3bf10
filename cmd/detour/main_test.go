package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// binary is the program under test, built once for all tests of this package.
var binary string

func TestMain(m *testing.M) {
	if name := os.Getenv(engineEnv); name != "" {
		os.Exit(engineMain(name))
	}
	dir, err := os.MkdirTemp("", "detour-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "detour")
	build := exec.Command("go", "build", "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build detour: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// cli runs a command line in this process and returns its exit code and what it wrote.
func cli(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), stdio{strings.NewReader(""), &out, &errs}, args)
	return code, out.String(), errs.String()
}

// file writes a file into a folder of the test's.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestBadConfigurationIsOneLineThatNamesTheKey(t *testing.T) {
	_, example, _ := cli(t, "config", "init")
	swap := func(old, new string) string {
		if !strings.Contains(example, old) {
			t.Fatalf("the example has no %q", old)
		}
		return strings.Replace(example, old, new, 1)
	}
	for _, c := range []struct{ name, text, names string }{
		{"unknown key", swap("  pane_ms: 60000", "  pane_msec: 60000"), "pane_msec"},
		{"unknown section", example + "\nkafak: {}\n", "kafak"},
		{"wrong type", swap("  partitions: 4", "  partitions: many"), "many"},
		{"path without an answer", swap("    answer: {a: [198.51.100.20], aaaa: [\"2001:db8::20\"]}", ""), "path proxy"},
		{"two defaults", swap("kind: proxy", "kind: proxy\n    default: true"), "2 are marked default"},
		{"no default", swap("default: true ", "default: false "), "0 are marked default"},
		{"no broker", swap("[127.0.0.1:9092]", "[]"), "kafka.brokers"},
		{"broker without a port", swap("[127.0.0.1:9092]", "[localhost]"), "kafka.brokers[0]"},
		{"pane of zero", swap("pane_ms: 60000", "pane_ms: 0"), "genesis.pane_ms"},
		{"service outside the zone", swap("service: www.example.net", "service: www.example.org"), "dns.service"},
		{"log level", swap("level: info", "level: loud"), "log.level"},
		{"heartbeat", swap("heartbeat: 10s", "heartbeat: 1ms"), "ingest.heartbeat"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, errs := cli(t, "ingest", "--config", file(t, "detour.yaml", c.text))
			if code != exitConfig || !strings.Contains(errs, c.names) || strings.Count(errs, "\n") != 1 {
				t.Errorf("exit code %d, says %q", code, errs)
			}
		})
	}
}

func TestMissingFilesAreConfigurationErrors(t *testing.T) {
	_, example, _ := cli(t, "config", "init")
	config := file(t, "detour.yaml", example)
	for _, c := range []struct {
		args  []string
		names string
	}{
		{[]string{"ingest", "--config", "nowhere.yaml"}, "nowhere.yaml"},
		{[]string{"ingest", "--config", config}, "client_key_file"},
		{[]string{"publish", "--config", file(t, "d.yaml", strings.Replace(example, `signing_key_file: ""`, `signing_key_file: gone.pem`, 1))}, "gone.pem"},
		{[]string{"policy", "check", "gone.yaml"}, "gone.yaml"},
		{[]string{"policy", "check", file(t, "policy.yaml", "harm:\n  ratio: 5\n")}, "ratio"},
		{[]string{"explain", "--config", config, "not-an-address"}, "not-an-address"},
		{[]string{"explain", "--config", config, "fe80::1%eth0"}, "fe80::1%eth0"},
		{[]string{"explain", "--config", config, "--ticks", "0", "192.0.2.1"}, "--ticks"},
		{[]string{"explain", "--config", config, "--version", "0", "192.0.2.1"}, "--version"},
		{[]string{"explain", "--config", config, "--data", "demo-data", "192.0.2.1"}, "--data"},
		{[]string{"explain", "--config", config, "192.0.2.1", "--json"}, "--json"},
		{[]string{"demo", "--scenario", "gone.yaml"}, "gone.yaml"},
		{[]string{"demo", "--scenario", file(t, "s.yaml", "seeed: 1\nrunz: 2\n")}, "runz"},
		{[]string{"demo", "--log", "loud"}, "--log"},
		{[]string{"demo", "--admin", "9464"}, "--admin"},
		{[]string{"fly"}, "fly"},
		{[]string{"ingest", "--wings"}, "wings"},
		{[]string{"policy", "praise"}, "praise"},
	} {
		if code, _, errs := cli(t, c.args...); code != exitConfig || !strings.Contains(errs, c.names) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: exit code %d, says %q", c.args, code, errs)
		}
	}
}

func TestHelpNamesEveryCommandAndItsFlags(t *testing.T) {
	code, out, _ := cli(t, "help")
	if code != exitOK {
		t.Error(code)
	}
	for _, c := range commands() {
		if !strings.Contains(out, "  "+c.name+" ") {
			t.Errorf("help does not list %s", c.name)
		}
		code, help, _ := cli(t, c.name, "-h")
		if code != exitOK || !strings.Contains(help, "Usage: detour "+c.name) || !strings.Contains(help, "Example") || !strings.Contains(help, "Flags:") {
			t.Errorf("%s -h: %d\n%s", c.name, code, help)
		}
	}
}

func TestADemoDoesNotTouchAnotherOnesData(t *testing.T) {
	used := filepath.Dir(file(t, "log", "x"))
	if code, _, errs := cli(t, "demo", "--data", used); code != exitConfig || !strings.Contains(errs, "not empty") {
		t.Errorf("exit code %d, says %q", code, errs)
	}
}

func TestAStoppedCommandEndsWell(t *testing.T) {
	_, example, _ := cli(t, "config", "init")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var errs bytes.Buffer
	config := file(t, "detour.yaml", strings.Replace(example, "127.0.0.1:9092", "127.0.0.1:1", 1))
	if code := run(ctx, stdio{strings.NewReader(""), &errs, &errs}, []string{"aggregate", "--config", config}); code != exitOK {
		t.Errorf("a consumer: exit code %d, says %q", code, errs.String())
	}
	if code := run(ctx, stdio{strings.NewReader(""), &errs, &errs}, []string{"policy", "show", "--config", config}); code != exitFailed {
		t.Errorf("a command that did nothing: exit code %d, says %q", code, errs.String())
	}
}
