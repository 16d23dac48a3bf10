package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"detour/internal/replay"
	"detour/schemas"
)

// verified is what detour verify found and how long it took.
type verified struct {
	*replay.Verified
	Seconds float64 `json:"seconds"`
}

// listed is how many of many things are named in a text; JSON has all.
const listed = 5

func (v *verified) print(out io.Writer) error {
	var b strings.Builder
	v.compared(&b)
	v.unsure(&b)
	if v.Difference != nil {
		fmt.Fprintln(&b, v.Difference)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// compared says what was compared, and where that began.
func (v *verified) compared(b *strings.Builder) {
	versions := count(v.Versions, "version")
	switch {
	case v.Versions == 1:
		versions = fmt.Sprintf("version %d", v.First)
	case v.Versions > 1:
		versions += fmt.Sprintf(" (%d to %d)", v.First, v.Last)
	}
	ticks, panes := count(v.Ticks, "tick"), count(v.Panes, "pane")
	if v.From == schemas.Samples {
		fmt.Fprintf(b, "%s, %s and %s derived from samples", versions, ticks, panes)
	} else {
		fmt.Fprintf(b, "%s and %s derived from windows, of %s", versions, ticks, panes)
	}
	if v.Tick > 0 {
		fmt.Fprintf(b, ", behind the snapshot at tick %d with version %d", v.Tick, v.Version)
	} else {
		fmt.Fprint(b, ", from the log's beginning")
	}
	agrees := "every digest agrees"
	if v.Difference != nil {
		agrees = "their digests agree"
	}
	fmt.Fprintf(b, "; %s; %.1f s\n", agrees, v.Seconds)
}

// unsure says what is known to be missing.
func (v *verified) unsure(b *strings.Builder) {
	if n := len(v.Underived); n > 0 {
		fmt.Fprintf(b, "not compared: versions %d to %d, since the log does not hold any more what they were made of", v.Underived[0], v.Underived[n-1])
		for i, t := range v.Trimmed {
			fmt.Fprintf(b, "%s%s begins at offset %d", map[bool]string{true: ": ", false: ", "}[i == 0], t.Partition, t.To)
		}
		fmt.Fprintln(b)
	}
	if v.Unpublished > 0 {
		fmt.Fprintf(b, "not published yet: %s that the log leads to\n", count(v.Unpublished, "version"))
	}
	if v.Incomplete > 0 {
		fmt.Fprintf(b, "incomplete: of %d of the versions it is known that evidence is missing\n", v.Incomplete)
	}
	list(b, v.IncompletePanes, "more panes are incomplete", func(p *replay.IncompletePane) string {
		return fmt.Sprintf("pane %s of windows/%d is incomplete: %s in its samples, with %s of reports lost",
			utc(p.Pane), p.Partition, count(int(p.Holes), "hole"), count(int(p.Lost), "offset"))
	})
	list(b, v.UnreadableRecords, "more records can't be read", func(u *replay.Unreadable) string {
		return fmt.Sprintf("%s can't be read: %s", u.At, u.Why)
	})
	list(b, v.Missing, "more are not there", func(d *replay.Difference) string { return d.String() })
}

// list writes the first few of many things, a line each.
func list[T any](b *strings.Builder, all []T, more string, line func(*T) string) {
	for i := range all[:min(len(all), listed)] {
		fmt.Fprintln(b, line(&all[i]))
	}
	if n := len(all) - listed; n > 0 {
		fmt.Fprintf(b, "%d %s; --json lists all\n", n, more)
	}
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func utc(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05") }
