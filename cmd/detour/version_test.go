package main

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
)

func TestVersionSaysWhatTheProgramWasMadeOf(t *testing.T) {
	before := commit
	defer func() { commit = before }()
	commit = "0123456789abcdef"
	for _, args := range [][]string{{"version"}, {"--version"}, {"-version"}} {
		code, out, errs := cli(t, args...)
		if code != exitOK || !strings.HasPrefix(out, "detour dev (commit 0123456789ab, ") || !strings.Contains(out, runtime.GOOS+"/"+runtime.GOARCH) || strings.Count(out, "\n") != 1 {
			t.Errorf("%q: %d %q %q", args, code, out, errs)
		}
	}
	code, out, errs := cli(t, "version", "--json")
	var b buildInfo
	if err := json.Unmarshal([]byte(out), &b); err != nil || code != exitOK {
		t.Fatal(code, out, errs, err)
	}
	if b.Version != "dev" || b.Commit != commit || b.Go != runtime.Version() || b.Platform != runtime.GOOS+"/"+runtime.GOARCH {
		t.Errorf("%+v", b)
	}
	if code, _, _ := cli(t, "version", "now"); code != exitConfig {
		t.Errorf("with an argument: %d", code)
	}
}
