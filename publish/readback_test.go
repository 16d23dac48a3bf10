package publish_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"slices"
	"strings"
	"testing"

	"detour/publish"
	"detour/schemas"
	"detour/schemas/pathmap"
)

// made lets m work until it has made a version, and returns the records of it without appending them.
func (w *world) made(m *publish.Machine) []schemas.Record {
	w.t.Helper()
	for {
		in := m.Next()
		out, err := m.Apply(w.log[in.Partition][in.Offset:], int64(len(w.log[in.Partition])))
		if err != nil {
			w.t.Fatal(err)
		}
		for i, r := range out {
			if r.Partition == mapsPartition {
				return out[i:]
			}
			w.add(r.Partition, r)
		}
	}
}

func (w *world) addAll(records []schemas.Record) {
	for _, r := range records {
		w.add(r.Partition, r)
	}
}

func TestNothingIsAppliedBeforeAVersionWasReadBack(t *testing.T) {
	w := newWorld(t)
	w.add(mapsPartition, schemas.Record{Value: []byte("before its time")})
	w.decide(move("192.0.2.1", 1))
	w.decide(move("192.0.2.2", 1))
	m := w.resumeAs(publish.Config{ChunkBytes: 40})
	first := w.made(m)
	if len(first) < 3 {
		t.Fatalf("%d chunks", len(first))
	}
	for i, r := range first {
		want := schemas.Input{Partition: mapsPartition, Offset: int64(i + 1), Wait: true}
		if got := m.Next(); got != want {
			t.Fatalf("before chunk %d was read it asks for %+v, want %+v", i, got, want)
		}
		w.add(r.Partition, r)
		if out, err := m.Apply(w.log[mapsPartition][i+1:], int64(i+2)); len(out) != 0 || err != nil {
			t.Fatalf("%d records, %v", len(out), err)
		}
	}
	end := schemas.Input{Partition: mapsPartition, Offset: int64(len(first) + 1)}
	if got := m.Next(); got != end {
		t.Errorf("with its version in place it asks for %+v, want what follows: %+v", got, end)
	}
	if out, err := m.Apply(nil, end.Offset); len(out) != 0 || err != nil {
		t.Fatalf("%d records, %v", len(out), err)
	}
	if got := m.Next(); got.Partition != decisions || got.Offset != 1 {
		t.Errorf("then it asks for %+v", got)
	}
	if err := w.runAll(m); err != nil || len(w.readable()) != 2 {
		t.Errorf("%d versions, %v", len(w.readable()), err)
	}
}

// readable is versions for a log with records in it that can't be read.
func (w *world) readable() (all []*pathmap.Publication) {
	var chain pathmap.Chain
	for i := range w.log[mapsPartition] {
		if p, _ := chain.Add(&w.log[mapsPartition][i]); p != nil {
			all = append(all, p)
		}
	}
	return all
}

func TestACopyOfTheSameContentIsTheSameVersion(t *testing.T) {
	w := newWorld(t)
	w.decide(move("192.0.2.1", 1))
	w.decide(move("192.0.2.2", 1))
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	mine := w.resumeAs(publish.Config{Code: "mine"})
	others := w.resumeAs(publish.Config{Code: "another's", Key: key, ChunkBytes: 50})
	a, b := w.made(mine), w.made(others)
	w.addAll(b)
	w.addAll(a)
	if err := w.runAll(mine); err != nil {
		t.Error(err)
	}
	if err := w.runAll(others); !errors.Is(err, schemas.ErrSuperseded) {
		t.Errorf("a machine that was left behind would repeat versions: %v", err)
	}
	got := w.versions()
	if len(got) != 2 || got[0].Manifest.Code != "another's" || got[1].Manifest.Code != "mine" || len(w.rejects()) != 0 {
		t.Errorf("%d versions, rejects %v", len(got), w.rejects())
	}
}

func TestAnotherVersionInItsPlaceSupersedes(t *testing.T) {
	w := newWorld(t)
	w.decide(move("192.0.2.1", 1))
	other := *w
	other.log = map[schemas.Partition][]schemas.Record{controls: w.log[controls]}
	other.tick, other.previous, other.pane = 0, "", 0
	other.decide(move("192.0.2.1", 2))
	mine, theirs := w.made(w.resume()), other.made(other.resume())

	m := w.resume()
	w.made(m)
	w.addAll(theirs)
	w.addAll(mine)
	in := m.Next()
	_, err := m.Apply(w.log[mapsPartition][in.Offset:], int64(len(w.log[mapsPartition])))
	if !errors.Is(err, schemas.ErrSuperseded) {
		t.Fatal(err)
	}
	digests := []string{pathmapDigest(t, mine), pathmapDigest(t, theirs), "version 1 "}
	for _, d := range digests {
		if !strings.Contains(err.Error(), d) {
			t.Errorf("%q is not in %v", d, err)
		}
	}
	w.decide() // changes to what lost: the one who resumes goes on from what won
	if err := w.runAll(w.resume()); err != nil {
		t.Fatal(err)
	}
	if got := w.versions(); len(got) != 1 || listing(t, got[0]) != "192.0.2.1=2 " {
		t.Errorf("%d versions", len(got))
	}
}

func pathmapDigest(t *testing.T, records []schemas.Record) string {
	t.Helper()
	var data []byte
	for _, r := range records {
		data = append(data, r.Value...)
	}
	return pathmap.Digest(data)
}

func TestAVersionThatWasDamagedInTheLogIsMadeAgain(t *testing.T) {
	for name, damage := range map[string]func(*schemas.Record){
		"a flipped bit":    func(r *schemas.Record) { r.Value = bytes.Clone(r.Value); r.Value[3] ^= 4 },
		"truncated":        func(r *schemas.Record) { r.Value = r.Value[:len(r.Value)/2] },
		"empty":            func(r *schemas.Record) { r.Value, r.Headers = nil, nil },
		"another's place":  func(r *schemas.Record) { r.Headers[0].Value = []byte(`{"whole":5,"attempt":0,"index":1,"count":9}`) },
		"no place":         func(r *schemas.Record) { r.Headers = r.Headers[1:] },
		"a damaged batch":  func(r *schemas.Record) { *r = schemas.Unreadable(mapsPartition, 0, 1, "its checksum is wrong") },
		"another's format": func(r *schemas.Record) { r.Value = bytes.Clone(r.Value); r.Value[len("DETOURM")]++ },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.decide(move("192.0.2.1", 1))
			m := w.resume()
			records := w.made(m)
			want := pathmapDigest(t, records)
			damage(&records[0])
			w.addAll(records)
			w.runPatiently(m)
			got := w.readable()
			if n := len(w.log[mapsPartition]); n != 2 || len(got) != 1 || got[0].Manifest.Digest != want {
				t.Errorf("%d versions, %d records", len(got), n)
			}
			if name != "another's place" && !slices.Contains(w.rejects(), "undecodable") {
				t.Errorf("rejects %v", w.rejects())
			}
		})
	}
}
