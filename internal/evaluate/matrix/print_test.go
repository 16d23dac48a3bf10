package matrix

import (
	"fmt"
	"strings"
)

// print returns all that a world says.
func print(w *World) string {
	var b strings.Builder
	l := *w.Layout()
	l.Scored = nil
	fmt.Fprintf(&b, "%+v\n", l)
	for pane := range l.Panes {
		b.WriteString(printPane(w, pane))
	}
	return b.String()
}

// printPane returns the runs and the truth of a pane.
func printPane(w *World, pane int) string {
	var b strings.Builder
	for r := range w.Runs(pane) {
		fmt.Fprintf(&b, "pane %d: %+v\n", pane, *r)
	}
	for client := range w.Clients() {
		fmt.Fprintf(&b, "%d: %+v %+v\n", client, w.Truth(client, direct, pane), w.Truth(client, proxy, pane))
	}
	return b.String()
}
