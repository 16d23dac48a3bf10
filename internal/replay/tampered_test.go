package replay

import (
	"fmt"
	"strings"
	"testing"

	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/window"
)

// editWindow changes the first window of the n-th record of a windows partition, and the seal's digest along.
func editWindow(t *testing.T, n int64, change func(*window.Batch)) func(*schemas.Record) bool {
	return func(r *schemas.Record) bool {
		if r.Partition != (schemas.Partition{Topic: schemas.Windows, Number: 1}) || r.Offset != n {
			return true
		}
		b, err := window.Decode(r.Value)
		if err != nil || b.Head.Seal == nil || len(b.Windows) == 0 {
			t.Fatal(b, err)
		}
		change(b)
		b.Head.Seal.Digest = window.Digest(b.Head.Chunk.Whole, b.Windows)
		if r.Value, err = b.Encode(); err != nil {
			t.Fatal(err)
		}
		return true
	}
}

func TestAWindowThatWasChangedIsNamed(t *testing.T) {
	var resolver, where string
	log, g := logOf(t, editWindow(t, 12, func(b *window.Batch) {
		w := &b.Windows[len(b.Windows)/2]
		w.Unreachable += 50
		resolver, where = w.Resolver.String(), fmt.Sprintf("cell %s/AS%d", w.Country, w.ASN)
	}))
	found := verified(t, &Verify{Log: log, Genesis: g, Samples: true})
	d := found.Difference
	if d == nil || d.Stage != "pane" || d.Partition != 1 || d.Resolver != resolver || !strings.HasPrefix(d.Window, where) ||
		d.Field != "unreachable" || d.Derived != "0" || d.Published != "50" {
		t.Errorf("%+v, want %s, %s", d, resolver, where)
	}
	if found.Panes < 12 {
		t.Errorf("before that it compared %d panes", found.Panes)
	}
	found = verified(t, &Verify{Log: log, Genesis: g})
	if d := found.Difference; d == nil || d.Stage != "tick" || d.Resolver != resolver || d.Field == "" || d.Derived == d.Published {
		t.Errorf("from windows: %+v, want a decision about %s", d, resolver)
	}
	if found.Ticks != 12 {
		t.Errorf("%d ticks agree, want those before the pane", found.Ticks)
	}
}

func TestAHistogramThatWasChangedIsNamed(t *testing.T) {
	log, g := logOf(t, editWindow(t, 7, func(b *window.Batch) {
		for i := range b.Windows {
			if h := &b.Windows[i].Latency; len(h.Bins) > 0 && (len(h.Bins) == 1 || h.Bins[0]+1 < h.Bins[1]) {
				h.Bins[0]++
				return
			}
		}
		t.Fatal("no latency")
	}))
	d := verified(t, &Verify{Log: log, Genesis: g, Samples: true}).Difference
	if d == nil || d.Field != "latency" || !strings.Contains(d.Derived, " in bin ") {
		t.Errorf("%+v", d)
	}
}

// editTicks rewrites the ticks from number on: change edits that tick, and digests are made anew along the chain.
func editTicks(t *testing.T, number int64, change func(*decision.Batch)) func(*schemas.Record) bool {
	previous := ""
	return func(r *schemas.Record) bool {
		if r.Partition != decisionsPartition {
			return true
		}
		b, err := decision.Decode(r.Value)
		if err != nil || b.Head.Chunk.Count != 1 {
			t.Fatal(err)
		}
		tick := b.Head.Tick
		if tick.Number < number {
			return true
		}
		if tick.Number == number {
			change(b)
			previous = tick.Previous
		}
		tick.Previous = previous
		tick.Digest = decision.Digest(previous, b.Head.Chunk.Whole, tick.Policy, b.Decisions)
		previous = tick.Digest
		if r.Value, err = b.Encode(); err != nil {
			t.Fatal(err)
		}
		return true
	}
}

func TestADecisionThatWasChangedIsNamed(t *testing.T) {
	for _, samples := range both {
		var resolver string
		log, g := logOf(t, editTicks(t, 6, func(b *decision.Batch) {
			for i := range b.Decisions {
				if d := &b.Decisions[i]; d.Changed == 1 {
					resolver = d.Resolver.String()
					d.Path = 1 - d.Path
					return
				}
			}
			t.Fatal("nothing changed")
		}))
		found := verified(t, &Verify{Log: log, Genesis: g, Samples: samples})
		if d := found.Difference; d == nil || d.Stage != "tick" || d.Number != 6 || d.Resolver != resolver || d.Field != "path" ||
			d.Derived == d.Published || found.Ticks != 5 {
			t.Errorf("%+v after %d ticks, want %s in tick 6", d, found.Ticks, resolver)
		}
	}
}

// No digest covers the rows of a snapshot that its tick did not change, and those who resume believe them.
func TestASnapshotThatWasChangedIsNamed(t *testing.T) {
	var resolver string
	edit := editTicks(t, 13, func(b *decision.Batch) {
		for i := range b.Decisions {
			if d := &b.Decisions[i]; d.Changed == 0 {
				resolver = d.Resolver.String()
				d.Path = 1 - d.Path
				return
			}
		}
		t.Fatal("everything changed")
	})
	log, g := logOf(t, edit)
	if d := verified(t, &Verify{Log: log, Genesis: g}).Difference; d == nil || d.Stage != "tick" || d.Number != 13 || d.Resolver != resolver || d.Field != "path" {
		t.Errorf("on the way: %+v, want %s", d, resolver)
	}
	if err := log.Trim(decisionsPartition, 12); err != nil {
		t.Fatal(err)
	}
	d := verified(t, &Verify{Log: log, Genesis: g}).Difference
	if d == nil || d.Stage != "tick" || d.Number != 13 || d.Resolver != resolver || !strings.Contains(d.Why, "in this snapshot") {
		t.Errorf("as the start: %+v, want %s", d, resolver)
	}
}

func TestAMapThatWasChangedIsNamed(t *testing.T) {
	var resolver string
	log, g := logOf(t, editMaps(t, 7, func(m *pathmap.Map) {
		resolver = m.Entries[len(m.Entries)/2].Resolver.String()
		m.Entries = append(m.Entries[:len(m.Entries)/2:len(m.Entries)/2], m.Entries[len(m.Entries)/2+1:]...)
	}))
	for _, v := range []*Verify{{Log: log, Genesis: g}, {Log: log, Genesis: g, Samples: true}, {Log: log, Genesis: g, Version: 7}} {
		found := verified(t, v)
		if d := found.Difference; d == nil || d.Stage != "version" || d.Number != 7 || d.Resolver != resolver || d.Field != "path" ||
			d.Derived != "proxy" || d.Published != "direct" || v.Version == 0 && found.Versions != 6 {
			t.Errorf("%+v after %d versions, want %s", d, found.Versions, resolver)
		}
	}
	agrees(t, verified(t, &Verify{Log: log, Genesis: g, Version: 3}))
}

// editMaps rewrites the versions from number on: change edits that version, and manifests are made anew along the chain.
func editMaps(t *testing.T, number int64, change func(*pathmap.Map)) func(*schemas.Record) bool {
	var whole pathmap.Assembler
	previous := ""
	return func(r *schemas.Record) bool {
		if r.Partition != mapsPartition {
			return true
		}
		p, err := whole.Add(r)
		if err != nil || p == nil {
			t.Fatal("not a version in one record", err)
		}
		if p.Manifest.Version < number {
			previous = p.Manifest.Digest
			return true
		}
		m, err := p.Manifest.Open(p.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if p.Manifest.Version == number {
			change(m)
		}
		if p.Bytes, err = m.Encode(); err != nil {
			t.Fatal(err)
		}
		p.Manifest.Digest, p.Manifest.Previous = pathmap.Digest(p.Bytes), previous
		p.Manifest.Size, p.Manifest.Entries = len(p.Bytes), len(m.Entries)
		previous = p.Manifest.Digest
		records, err := p.Records(0)
		if err != nil || len(records) != 1 {
			t.Fatal(err)
		}
		r.Value, r.Headers = records[0].Value, records[0].Headers
		return true
	}
}

func TestAVersionThatTheLogDoesNotLeadToIsNamed(t *testing.T) {
	log, g := logOf(t, nil)
	last := verified(t, &Verify{Log: log, Genesis: g}).Last
	records := all(t, log, mapsPartition)
	var whole pathmap.Assembler
	p, err := whole.Add(&records[len(records)-1])
	if err != nil || p == nil {
		t.Fatal(err)
	}
	p.Manifest.Version, p.Manifest.Previous = last+1, p.Manifest.Digest
	forged, err := p.Records(99)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), mapsPartition, forged); err != nil {
		t.Fatal(err)
	}
	for _, version := range []int64{0, last + 1} {
		d := verified(t, &Verify{Log: log, Genesis: g, Version: version}).Difference
		if d == nil || d.Stage != "version" || d.Number != last+1 || d.Why != "the log does not lead to it" {
			t.Errorf("%+v", d)
		}
	}
}

// What can't be read is listed wherever it is. A whole that the log says nothing of, between others, is a difference.
func TestARecordThatCannotBeReadIsNamed(t *testing.T) {
	for _, c := range []struct {
		at      string
		samples bool
		want    string // of the difference; "" = another one is as good, or none
	}{
		{"windows/1@9", true, "pane"},
		{"windows/1@9", false, ""},
		{"decisions/0@5", false, "tick 6"},
		{"decisions/0@5", true, "tick 6"},
		{"maps/0@4", false, "version 5"},
		{"samples/0@2", true, ""},
	} {
		log, g := logOf(t, func(r *schemas.Record) bool {
			if r.At() == c.at {
				r.Value, r.Headers = []byte("rot"), nil
			}
			return true
		})
		found := verified(t, &Verify{Log: log, Genesis: g, Samples: c.samples})
		if len(found.UnreadableRecords) != 1 || found.UnreadableRecords[0].At != c.at || found.UnreadableRecords[0].Why == "" {
			t.Errorf("%s: lists %+v", c.at, found.UnreadableRecords)
		}
		if found.Difference == nil {
			t.Errorf("%s: no difference, though it was read when the log was made", c.at)
			continue
		}
		if c.want == "" {
			continue
		}
		if len(found.Missing) == 0 || !strings.HasPrefix(found.Missing[0].String(), c.want) || !strings.Contains(found.Missing[0].Why, c.at+": ") {
			t.Errorf("%s: misses %+v", c.at, found.Missing)
		}
		if c.at != "windows/1@9" && found.Versions+len(found.Missing) < 10 {
			t.Errorf("%s: only %d versions were compared", c.at, found.Versions)
		}
	}
}
