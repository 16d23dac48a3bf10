package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"

	"detour/internal/settings"
)

// referenceHead is what the reference says before its tables.
//
//go:embed config_reference.md
var referenceHead string

// writeReference writes Markdown about every key: its variable, type, default and meaning, which is its comment in the
// example. A key whose value there is not the default has none: it has to be set.
func writeReference(w io.Writer) error {
	comments, err := settings.Comments([]byte(exampleConfig))
	if err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString(referenceHead)
	defaults := defaultConfig()
	section, subsection := "", ""
	for _, k := range settings.Keys(&defaults) {
		if first := firstOf(k.Path); first != section {
			section = first
			fmt.Fprintf(&text, "\n## %s\n\n", section)
			if about := comments[section]; about != "" && section != k.Path {
				fmt.Fprintf(&text, "%s\n\n", about)
			}
			text.WriteString("| key and variable | type | default | meaning |\n|---|---|---|---|\n")
		}
		if parent := k.Path[:max(0, strings.LastIndex(k.Path, "."))]; parent != subsection {
			subsection = parent
			if about := comments[parent]; about != "" && parent != section {
				fmt.Fprintf(&text, "| **%s** | section | | %s |\n", parent, about)
			}
		}
		fmt.Fprintf(&text, "| %s | %s | %s | %s |\n", nameCell(&k), k.Type, defaultCell(&k), comments[k.Path])
	}
	text.WriteString("\n## Other variables\n\nThese are read by something else, and left alone here.\n\n| variable | what for |\n|---|---|\n")
	for _, v := range foreignVariables {
		fmt.Fprintf(&text, "| `%s` | %s |\n", v.name, v.purpose)
	}
	text.WriteString("\nSo are `DETOUR_TEST_...` and what Kubernetes sets for a service whose name begins with ours: `DETOUR_..._SERVICE_HOST`,\n" +
		"`DETOUR_..._PORT=tcp://...` and their like.\n")
	_, err = io.WriteString(w, text.String())
	return err
}

// nameCell names a key and its variable. The elements of a list have none: the list has one.
func nameCell(k *settings.Key) string {
	if k.Element() {
		return "`" + k.Path + "`"
	}
	return "`" + k.Path + "`<br>`" + k.Variable() + "`"
}

func defaultCell(k *settings.Key) string {
	switch text := k.Text(); {
	case required(k.Path):
		return "none, set it"
	case text == "":
		return "empty"
	default:
		return "`" + text + "`"
	}
}

// required reports whether a key has no default that could be used.
func required(path string) bool {
	return path == "client_key_file" || path == "paths" || path == "paths[].id" || path == "paths[].kind" || path == "dns.ns[].name"
}

// firstOf returns the first part of a key's path.
func firstOf(path string) string {
	return path[:strings.IndexAny(path+".", ".[")]
}
