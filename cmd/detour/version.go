package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// What the linker sets (-X main.version=...); without commit it is what the Go tool saw of the working tree.
var (
	version = "dev"
	commit  = ""
)

// buildInfo says what this program was made of.
type buildInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`             // "" where nobody said
	Go       string `json:"go"`                 // the toolchain
	Platform string `json:"platform"`           // operating system/architecture
	Tags     string `json:"tags"`               // build tags: slim is without the embedded ClickHouse engine
	Modified bool   `json:"modified,omitempty"` // the working tree had changes that were not committed
}

// build returns what is known of this program.
func build() buildInfo {
	b := buildInfo{Version: version, Commit: commit, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = cmp.Or(b.Commit, s.Value)
		case "vcs.modified":
			b.Modified = s.Value == "true"
		case "-tags":
			b.Tags = s.Value
		}
	}
	return b
}

// String is one line: detour v1.0.0 (commit 0123456789ab, go1.26.0, linux/amd64).
func (b buildInfo) String() string {
	var parts []string
	if b.Commit != "" {
		change := ""
		if b.Modified {
			change = " with changes"
		}
		parts = append(parts, fmt.Sprintf("commit %.12s%s", b.Commit, change))
	}
	parts = append(parts, b.Go, b.Platform)
	if b.Tags != "" {
		parts = append(parts, b.Tags)
	}
	return fmt.Sprintf("detour %s (%s)", b.Version, strings.Join(parts, ", "))
}

func versionCommand() command {
	c := command{
		name:    "version",
		summary: "print version, commit, Go's version and the platform",
		help: `Examples:
  detour version
  detour version --json`,
	}
	c.run = func(_ context.Context, std stdio, args []string) error {
		fs := c.flags(std)
		asJSON := fs.Bool("json", false, "print JSON")
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		if *asJSON {
			return json.NewEncoder(std.out).Encode(build())
		}
		_, err := fmt.Fprintln(std.out, build())
		return err
	}
	return c
}
