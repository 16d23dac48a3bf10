package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// measuredFile writes a matrix whose nodes have names that a list has to quote.
func measuredFile(t *testing.T) string {
	t.Helper()
	text := "t,src,dst,rtt_ms\n"
	for _, slice := range []string{"0", "1", "2", "3"} {
		for _, row := range []string{
			`,a,"Washington, DC",1#0`, `,a,edge,1#`, `,b,"Washington, DC",2#`, `,b,edge,3#`, `,edge,"Washington, DC",8#`,
		} {
			text += slice + strings.ReplaceAll(row, "#", slice) + "\n"
		}
	}
	file := filepath.Join(t.TempDir(), "rtt.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestEvaluateMeasuredMatrix(t *testing.T) {
	var out, notes bytes.Buffer
	code := run(t.Context(), stdio{strings.NewReader(""), &out, &notes}, []string{
		"evaluate", "--rtt", measuredFile(t), "--regions", `"Washington, DC"`, "--edges", "edge", "--slice", "3600",
		"--runs-per-slice", "5", "--noise", "0", "--seed", "3", "--json",
	})
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, notes.String())
	}
	if !strings.Contains(notes.String(), "2 clients, 4 slices") {
		t.Errorf("notes: %s", notes.String())
	}
	for _, want := range []string{`"always_direct"`, `"rolling_median"`, `"oracle"`, `"harmed_share_instant"`, `"seeds": 1,`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, out.String())
		}
	}
}

func TestEvaluateRTTFlags(t *testing.T) {
	file := measuredFile(t)
	for _, test := range []struct{ args, want string }{
		{"--regions a", "--regions says something of --rtt"},
		{"--rtt " + file, "--rtt needs --regions"},
		{"--rtt " + file + " --regions edge", "--rtt needs --edges"},
		{"--rtt " + file + " --regions x --edges edge", `no row names "x"`},
		{"--rtt " + file + " --worlds sparse --regions x --edges edge", "leave one out"},
		{"--rtt " + file + " --regions x --edges edge --noise 5", "--noise: 5 is not between"},
		{"--rtt " + file + " --regions x --edges edge --runs-per-slice 0", "--runs-per-slice: 0 is not above 0"},
		{"--rtt " + file + " --regions x --edges edge --slice soon", "say how long"},
		{"--rtt " + filepath.Dir(file) + " --regions x --edges edge", "is not a file"},
		{"--rtt nowhere.csv --regions x --edges edge", "nowhere.csv"},
	} {
		var out, notes bytes.Buffer
		code := run(t.Context(), stdio{strings.NewReader(""), &out, &notes}, append([]string{"evaluate"}, strings.Fields(test.args)...))
		if code != exitConfig || !strings.Contains(notes.String(), test.want) {
			t.Errorf("%s: exit code %d, %q; want %q", test.args, code, notes.String(), test.want)
		}
	}
}
