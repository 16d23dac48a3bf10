package replay

import (
	"fmt"
	"strings"
	"time"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/window"
)

// Difference is the first place where what was derived and what the log holds are not the same.
type Difference struct {
	Stage     string `json:"stage"`               // pane, tick or version
	Number    int64  `json:"number"`              // of the tick or version; of a pane its start, ms
	Partition int32  `json:"partition,omitempty"` // of a pane
	Resolver  string `json:"resolver,omitempty"`
	Window    string `json:"window,omitempty"` // of a pane: cell, path and connection class
	Field     string `json:"field,omitempty"`
	Derived   string `json:"derived,omitempty"`
	Published string `json:"published,omitempty"`
	Why       string `json:"why,omitempty"` // where it is not about one field
}

func (d *Difference) String() string {
	var b strings.Builder
	switch d.Stage {
	case "pane":
		fmt.Fprintf(&b, "pane %s of partition %d differs: ", moment(d.Number), d.Partition)
	default:
		fmt.Fprintf(&b, "%s %d differs: ", d.Stage, d.Number)
	}
	if d.Resolver != "" {
		fmt.Fprintf(&b, "resolver %s: ", d.Resolver)
	}
	if d.Window != "" {
		fmt.Fprintf(&b, "%s: ", d.Window)
	}
	if d.Why != "" {
		return b.String() + d.Why
	}
	return b.String() + fmt.Sprintf("%s is %s derived, %s published", d.Field, d.Derived, d.Published)
}

// moment writes a time in ms for people.
func moment(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05") }

// absent stands for what only one side has.
const absent = "nothing"

// paneDifference compares a pane's windows.
func paneDifference(g *control.Genesis, partition int32, derived, published *window.Pane) *Difference {
	d := &Difference{Stage: "pane", Number: derived.Start, Partition: partition}
	a, b := firstPair(derived.Windows, published.Windows, window.Compare, same)
	if a == nil && b == nil {
		d.Why = "its windows are the same, its digest is not"
		return d
	}
	w := a
	if w == nil {
		w = b
	}
	cell := "all other cells"
	if w.Other == 0 {
		cell = fmt.Sprintf("cell %s/AS%d", orNone(w.Country.String()), w.ASN)
	}
	d.Resolver = w.Resolver.String()
	d.Window = fmt.Sprintf("%s, path %s, %s connections", cell, pathName(g.PathIDs(), w.Path), w.Class)
	if a == nil || b == nil {
		d.Field, d.Derived, d.Published = "samples", absent, absent
		if a != nil {
			d.Derived = fmt.Sprint(a.Samples())
		} else {
			d.Published = fmt.Sprint(b.Samples())
		}
		return d
	}
	d.Field, d.Derived, d.Published = firstField(a, b)
	return d
}

// tickDifference compares ticks: what they changed, and of two snapshots every row.
func tickDifference(g *control.Genesis, derived, published *decision.Whole) *Difference {
	d := &Difference{Stage: "tick", Number: derived.Tick.Number}
	if d.Field, d.Derived, d.Published = firstField(
		&tickFields{moment(derived.Pane), derived.Tick.Policy}, &tickFields{moment(published.Pane), published.Tick.Policy},
	); d.Field != "" {
		return d
	}
	left, right := derived.Decisions, published.Decisions
	if !derived.Tick.Snapshot || !published.Tick.Snapshot {
		left, right = changes(left), changes(right)
	}
	a, b := firstPair(left, right, decision.Compare, same)
	paths := g.PathIDs()
	switch {
	case a == nil && b == nil && derived.Tick.Previous != published.Tick.Previous:
		d.Field, d.Derived, d.Published = "previous", orNone(derived.Tick.Previous), orNone(published.Tick.Previous)
	case a == nil && b == nil:
		d.Why = "its rows are the same, its digest is not"
	case a == nil:
		d.Resolver, d.Field, d.Derived, d.Published = schemas.SubjectText(b.Subject()), "path", absent, pathName(paths, b.Path)
	case b == nil:
		d.Resolver, d.Field, d.Derived, d.Published = schemas.SubjectText(a.Subject()), "path", pathName(paths, a.Path), absent
	default:
		d.Resolver = schemas.SubjectText(a.Subject())
		d.Field, d.Derived, d.Published = firstField(a, b)
		d.namePaths(paths, a, b)
	}
	return d
}

// tickFields is what a tick says of all its rows.
type tickFields struct{ Pane, Policy string }

// namePaths puts names where a decision has numbers.
func (d *Difference) namePaths(paths []string, a, b *decision.Decision) {
	switch d.Field {
	case "path":
		d.Derived, d.Published = pathName(paths, a.Path), pathName(paths, b.Path)
	case "previous":
		d.Derived, d.Published = pathName(paths, a.Previous), pathName(paths, b.Previous)
	case "candidate":
		d.Derived, d.Published = pathName(paths, a.Candidate), pathName(paths, b.Candidate)
	}
}

func changes(rows []decision.Decision) (changed []decision.Decision) {
	for i := range rows {
		if rows[i].Changed == 1 {
			changed = append(changed, rows[i])
		}
	}
	return changed
}

// versionDifference compares maps.
func versionDifference(derived, published *pathmap.Publication) (*Difference, error) {
	d := &Difference{Stage: "version", Number: derived.Manifest.Version}
	a, err := derived.Manifest.Open(derived.Bytes)
	if err != nil {
		return nil, err
	}
	b, err := published.Manifest.Open(published.Bytes)
	if err != nil {
		return nil, err
	}
	if d.Field, d.Derived, d.Published = firstField(
		&mapFields{a.Genesis, a.Policy, moment(a.Pane), a.Paths, a.Default}, &mapFields{b.Genesis, b.Policy, moment(b.Pane), b.Paths, b.Default},
	); d.Field != "" {
		return d, nil
	}
	if e := firstEntry(a.Entries, b.Entries); e != nil {
		d.entry(e, a, b)
	}
	return d, nil
}

// mapFields is what a map says beside its entries.
type mapFields struct {
	Genesis, Policy, Pane string
	Paths                 []string
	Default               uint8
}

// entry fills in where two maps send what one of them has an entry about.
func (d *Difference) entry(e *pathmap.Entry, derived, published *pathmap.Map) {
	d.Resolver, d.Field = e.String(), "path"
	d.Derived, d.Published = pathName(derived.Paths, derived.PathOf(*e)), pathName(published.Paths, published.PathOf(*e))
}

// snapshotDifference compares a snapshot with the map of the version before it; nil if they say the same.
func snapshotDifference(t *decision.Whole, m *pathmap.Map, version int64) *Difference {
	state := &pathmap.Map{Paths: m.Paths, Default: m.Default}
	for i := range t.Decisions {
		if row := &t.Decisions[i]; row.Gone == 0 && (row.Path != m.Default || row.Exception == 1) {
			state.Entries = append(state.Entries, pathmap.Entry{Resolver: row.Resolver, Bits: row.Bits, Path: row.Path})
		}
	}
	state.Entries = pathmap.Necessary(state.Entries, m.Default)
	e := firstEntry(state.Entries, m.Entries)
	if e == nil {
		return nil
	}
	d := &Difference{Stage: "tick", Number: t.Tick.Number}
	d.entry(e, state, m)
	d.Why = fmt.Sprintf("path is %s in this snapshot, %s in version %d, which is of the same state", d.Derived, d.Published, version)
	return d
}
