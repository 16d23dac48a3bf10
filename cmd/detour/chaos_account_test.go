package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/reject"
	"detour/schemas/window"
)

// account is what a log says, as its readers take it: one line for each fact, so that a difference can be read.
type account struct {
	panes, ticks, versions, rejects []string

	counted      int64               // samples in panes
	seals, moves int                 // records that end a pane, a tick: with those that readers drop
	tables       map[string][]string // what ClickHouse has to hold, see storedQueries
	last         *pathmap.Publication

	keptTicks    []*decision.Whole
	keptVersions []*pathmap.Publication
}

// takeAccount reads a log as a whole.
func takeAccount(ctx context.Context, p *pipeline) (*account, error) {
	a := &account{tables: make(map[string][]string)}
	d := &demo{pipeline: p}
	for _, step := range []struct {
		topic schemas.Topic
		take  func(*schemas.Record) error
	}{
		{schemas.Windows, a.takeWindows()},
		{schemas.Decisions, a.takeDecisions()},
		{schemas.Maps, a.takeMaps()},
		{schemas.Rejects, a.takeReject},
	} {
		if err := d.eachRecord(ctx, step.topic, step.take); err != nil {
			return nil, err
		}
	}
	slices.Sort(a.rejects)
	a.rejects = slices.Compact(a.rejects) // a repeat names the same place
	a.addTicks()
	return a, a.addVersions()
}

// row adds a line to what a table of ClickHouse has to hold.
func (a *account) row(table string, columns ...any) {
	text := strings.TrimSuffix(strings.Repeat("%v\t", len(columns)), "\t")
	a.tables[table] = append(a.tables[table], fmt.Sprintf(text, columns...))
}

func (a *account) takeWindows() func(*schemas.Record) error {
	readers := make(map[schemas.Partition]*window.Assembler)
	return func(r *schemas.Record) error {
		b, err := window.Decode(r.Value)
		if err != nil {
			return err
		}
		if b.Head.Seal != nil {
			a.seals++
		}
		if readers[r.Partition] == nil {
			readers[r.Partition] = new(window.Assembler)
		}
		p, err := readers[r.Partition].Add(b)
		if err != nil || p == nil {
			return err
		}
		t := &p.Seal.Totals
		a.panes = append(a.panes, fmt.Sprintf("partition %d, pane %s: %d windows, %+v, digest %.12s",
			r.Partition.Number, clockOf(p.Start), len(p.Windows), *t, p.Seal.Digest))
		a.counted += t.Counted + t.Capped
		a.row("panes", r.Partition.Number, p.Start, p.Seal.Digest, len(p.Windows), t.Samples, t.Counted)
		if len(p.Windows) > 0 {
			a.row("windows", r.Partition.Number, p.Start, len(p.Windows), t.Counted)
		}
		return nil
	}
}

func (a *account) takeDecisions() func(*schemas.Record) error {
	var reader decision.Assembler
	var chain chunk.Chain
	return func(r *schemas.Record) error {
		b, err := decision.Decode(r.Value)
		if err != nil {
			return err
		}
		if b.Head.Tick != nil {
			a.moves++
		}
		w, err := reader.Add(b)
		if err != nil || w == nil {
			return err
		}
		t := &w.Tick
		if chain.Offer(chunk.Link{Number: t.Number, Digest: t.Digest, Previous: t.Previous, Full: t.Snapshot}) == chunk.Stray {
			return nil
		}
		reader.Skip(w.Pane)
		a.keptTicks = slices.DeleteFunc(a.keptTicks, func(k *decision.Whole) bool { return k.Tick.Number >= t.Number }) // losers of a race for the first
		a.keptTicks = append(a.keptTicks, w)
		return nil
	}
}

func (a *account) addTicks() {
	for _, w := range a.keptTicks {
		t := &w.Tick
		changed := 0
		for i := range w.Decisions {
			changed += int(w.Decisions[i].Changed)
		}
		a.ticks = append(a.ticks, fmt.Sprintf("tick %d, pane %s: %d changes, %+v, digest %.12s", t.Number, clockOf(w.Pane), changed, t.Totals, t.Digest))
		a.row("ticks", t.Number, w.Pane, t.Digest, changed)
		if changed > 0 {
			a.row("decisions", t.Number, changed)
		}
	}
}

func (a *account) takeMaps() func(*schemas.Record) error {
	var chain pathmap.Chain
	return func(r *schemas.Record) error {
		p, err := chain.Add(r)
		if errors.Is(err, pathmap.ErrStray) || p == nil && err == nil {
			return nil
		}
		if err != nil {
			return err
		}
		a.keptVersions = slices.DeleteFunc(a.keptVersions, func(k *pathmap.Publication) bool { return k.Manifest.Version >= p.Manifest.Version })
		a.keptVersions = append(a.keptVersions, p)
		return nil
	}
}

// takeReject keeps what ingest refused: what is off a chain, only a disturbed log has.
func (a *account) takeReject(r *schemas.Record) error {
	b, err := reject.Decode(r)
	if err == nil && strings.HasPrefix(b.At, string(schemas.Reports)+"/") {
		a.rejects = append(a.rejects, fmt.Sprintf("%s: %s, %s", b.At, b.Reason, b.Detail))
	}
	return err
}

func (a *account) addVersions() error {
	before := map[string]string{}
	for _, p := range a.keptVersions {
		n := p.Manifest.Version
		m, err := p.Manifest.Open(p.Bytes)
		if err != nil {
			return err
		}
		listed := make(map[string]string)
		for _, e := range m.Entries {
			listed[e.String()] = m.Paths[e.Path]
		}
		changes := 0
		for resolver, path := range listed {
			if before[resolver] != path {
				changes++
			}
			delete(before, resolver)
		}
		changes += len(before)
		before = listed
		a.versions = append(a.versions, fmt.Sprintf("version %d, pane %s: %d entries, incomplete %t, digest %.12s",
			n, clockOf(p.Manifest.Pane), len(m.Entries), p.Manifest.Incomplete, p.Manifest.Digest))
		a.row("map_versions", n, p.Manifest.Digest, len(m.Entries), changes)
		if changes > 0 {
			a.row("map_changes", n, changes)
		}
		a.last = p
	}
	for resolver, path := range before {
		a.row("map_now", resolver, path)
	}
	slices.Sort(a.tables["map_now"])
	return nil
}

func clockOf(ms int64) string { return time.UnixMilli(ms).UTC().Format("Jan 2 15:04:05") }

// differences tells where the log of a disturbed run says something else than that of an undisturbed one.
func (a *account) differences(calm *account) (all []string) {
	for _, c := range []struct {
		what      string
		has, want []string
	}{
		{"panes", a.panes, calm.panes},
		{"ticks", a.ticks, calm.ticks},
		{"versions", a.versions, calm.versions},
		{"rejects", a.rejects, calm.rejects},
	} {
		if d := firstDifference(c.has, c.want); d != "" {
			all = append(all, c.what+": "+d)
		}
	}
	return all
}

// firstDifference returns "" for equal lists.
func firstDifference(has, want []string) string {
	for i := range max(len(has), len(want)) {
		h, w := "nothing", "nothing"
		if i < len(has) {
			h = has[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if h != w {
			return fmt.Sprintf("%d, undisturbed %d; the first that differs is number %d:\n  has  %s\n  want %s", len(has), len(want), i+1, h, w)
		}
	}
	return ""
}
