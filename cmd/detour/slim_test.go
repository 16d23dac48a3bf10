package main

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestTheSlimProgramIsStatic builds what the image and the releases have: it runs where there is no libc, and says what
// it can't do.
func TestTheSlimProgramIsStatic(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("static programs are for images, and those are of Linux")
	}
	slim := filepath.Join(t.TempDir(), "detour")
	build := exec.Command("go", "build", "-tags", "slim", "-o", slim, ".")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	program, err := elf.Open(slim)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
			t.Errorf("it has a segment %s: it asks for a loader", segment.Type)
		}
	}
	out, err := exec.Command(slim, "demo", "--exit").CombinedOutput()
	if err == nil || !strings.Contains(string(out), `"make build" in its sources`) || strings.Count(string(out), "\n") != 1 {
		t.Errorf("demo: %v, says %q", err, out)
	}
}
