package main

import (
	"strings"
	"testing"

	"detour/internal/replay"
)

func TestWhatAVerificationFoundIsToldInWords(t *testing.T) {
	v := verified{Seconds: 3.52, Verified: &replay.Verified{
		From: "samples", Tick: 31, Version: 30, Versions: 61, First: 31, Last: 91, Ticks: 61, Panes: 244,
		Incomplete: 2, Unpublished: 1, Underived: []int64{3, 4, 30},
		Trimmed:           []replay.Trimmed{{Partition: "samples/0", To: 17}, {Partition: "maps/0", To: 2}},
		IncompletePanes:   make([]replay.IncompletePane, 7),
		UnreadableRecords: []replay.Unreadable{{At: "windows/1@17", Why: "it is cut short"}},
		Missing:           []replay.Difference{{Stage: "version", Number: 40, Why: "gone"}},
	}}
	var b strings.Builder
	if err := v.print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"61 versions (31 to 91), 61 ticks and 244 panes derived from samples, behind the snapshot at tick 31 with version 30; every digest agrees; 3.5 s\n",
		"not compared: versions 3 to 30, since the log does not hold any more what they were made of: samples/0 begins at offset 17, maps/0 begins at offset 2\n",
		"not published yet: 1 version that the log leads to\n",
		"incomplete: of 2 of the versions it is known that evidence is missing\n",
		"pane 1970-01-01 00:00:00 of windows/0 is incomplete: ",
		"2 more panes are incomplete; --json lists all\n",
		"windows/1@17 can't be read: it is cut short\n",
		"version 40 differs: gone\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("does not say %q:\n%s", want, b.String())
		}
	}
	v.Verified = &replay.Verified{
		From: "windows", Versions: 1, First: 4, Last: 4, Ticks: 3, Panes: 12,
		Difference: &replay.Difference{Stage: "tick", Number: 17, Resolver: "192.0.2.1", Field: "path", Derived: "proxy", Published: "direct"},
	}
	b.Reset()
	if err := v.print(&b); err != nil {
		t.Fatal(err)
	}
	const want = `version 4 and 3 ticks derived from windows, of 12 panes, from the log's beginning; their digests agree; 3.5 s
tick 17 differs: resolver 192.0.2.1: path is proxy derived, direct published
`
	if b.String() != want {
		t.Errorf("says\n%swant\n%s", b.String(), want)
	}
}
