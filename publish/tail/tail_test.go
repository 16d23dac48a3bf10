package tail_test

import (
	"strings"
	"testing"

	"detour/internal/dataflow/memlog"
	"detour/publish/tail"
	"detour/schemas"
	"detour/schemas/pathmap"
)

var maps = schemas.Partition{Topic: schemas.Maps}

// version returns a version that follows previous; pane tells contents apart.
func version(t *testing.T, number int64, previous string, pane int64) *pathmap.Publication {
	t.Helper()
	m := pathmap.Map{Genesis: strings.Repeat("a", 64), Policy: strings.Repeat("b", 64), Pane: pane, Paths: []string{"direct", "proxy"}}
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return &pathmap.Publication{Bytes: data, Manifest: pathmap.Manifest{
		Version: number, Digest: pathmap.Digest(data), Previous: previous, Pane: pane, Size: len(data),
	}}
}

// writer writes versions that follow one another.
type writer struct {
	t    *testing.T
	log  *memlog.Log
	last pathmap.Manifest
}

func (w *writer) write(versions ...*pathmap.Publication) {
	w.t.Helper()
	for _, p := range versions {
		records, err := p.Records(0)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.log.Append(w.t.Context(), maps, records); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *writer) next() *pathmap.Publication {
	p := version(w.t, w.last.Version+1, w.last.Digest, 10*(w.last.Version+1))
	w.last = p.Manifest
	return p
}

func (w *writer) rubbish(n int) {
	w.t.Helper()
	for range n {
		if _, err := w.log.Append(w.t.Context(), maps, []schemas.Record{{Value: []byte("rubbish")}}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *writer) read(keep int) *tail.Tail {
	w.t.Helper()
	got, err := tail.Read(w.t.Context(), w.log, keep)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// The first look sees 64 records, of which the loser of a race is the only version, or the first of two.
func TestATailThatBeginsWithTheLoserOfARaceReadsFurtherBack(t *testing.T) {
	for name, after := range map[string]int{"nothing behind it": 63, "the next version behind it": 62} {
		t.Run(name, func(t *testing.T) {
			w := &writer{t: t, log: memlog.All(1)}
			for range 3 {
				w.write(w.next())
			}
			loser := version(t, w.last.Version+1, w.last.Digest, 999)
			w.write(w.next(), loser)
			w.rubbish(after)
			if after == 62 {
				w.write(w.next())
			}
			got := w.read(2)
			if got.Last().Manifest.Digest != w.last.Digest || !got.Chain.Sure() || len(got.Versions) != 2 {
				t.Errorf("version %d of %d", got.Last().Manifest.Version, w.last.Version)
			}
			for _, v := range got.Versions {
				if v.Manifest.Digest == loser.Manifest.Digest {
					t.Error("the loser is among them")
				}
			}
		})
	}
}

// Where a record was damaged, what follows is kept by every reader alike: that is no reason to read the whole log.
func TestADamagedVersionDoesNotMakeTheTailUnsure(t *testing.T) {
	w := &writer{t: t, log: memlog.All(1)}
	for range 200 {
		w.write(w.next())
	}
	w.next() // can't be read
	w.rubbish(1)
	w.write(w.next())
	got := w.read(3)
	if got.Last().Manifest.Digest != w.last.Digest || got.Whole || len(got.Passed) != 1 || got.Passed[0].Record.Offset != 200 {
		t.Errorf("version %d, whole %t, passed over %d", got.Last().Manifest.Version, got.Whole, len(got.Passed))
	}
	if n := len(got.Versions); n != 3 || got.Versions[1].Manifest.Version != 200 {
		t.Errorf("%d versions", n)
	}
}

func TestWhatIsPassedOverIsThatBehindTheVersionBefore(t *testing.T) {
	w := &writer{t: t, log: memlog.All(1)}
	w.rubbish(1)
	w.write(w.next())
	w.rubbish(2)
	w.write(w.next())
	w.rubbish(3)
	if got := w.read(1); len(got.Passed) != 5 || got.Passed[0].Record.Offset != 2 || got.End != 8 || !got.Whole || len(got.Versions) != 1 {
		t.Errorf("passed over %d before %d", len(got.Passed), got.End)
	}
}

func TestALogThatRetentionCutIsTakenAsItIs(t *testing.T) {
	w := &writer{t: t, log: memlog.All(1)}
	for range 3 {
		w.write(w.next())
	}
	if err := w.log.Trim(maps, 2); err != nil {
		t.Fatal(err)
	}
	if got := w.read(1); got.Last() == nil || got.Last().Manifest.Version != 3 || got.Whole || got.Chain.Sure() {
		t.Errorf("%+v", got)
	}
	if err := w.log.Trim(maps, 3); err != nil {
		t.Fatal(err)
	}
	if got := w.read(1); got.Last() != nil || got.Whole {
		t.Errorf("%+v", got)
	}
}

// Two publishers begin at once, and what the first look sees is the loser's version 1.
func TestAFirstVersionMayBeTheLoserToo(t *testing.T) {
	w := &writer{t: t, log: memlog.All(1)}
	loser := version(t, 1, "", 999)
	w.write(w.next(), loser)
	w.rubbish(63)
	if got := w.read(1); got.Last().Manifest.Digest != w.last.Digest {
		t.Errorf("version 1 is %.16s, want %.16s", got.Last().Manifest.Digest, w.last.Digest)
	}
}
