package publish_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/publish"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
)

// TestATickThatCantBeUsedIsARejectAndASnapshotMendsIt holds for every way in which a whole tick can be of no use.
func TestATickThatCantBeUsedIsARejectAndASnapshotMendsIt(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*world)
		want  []string
	}{
		"rubbish": {func(w *world) { w.log[decisions][1].Value = []byte("rubbish") }, []string{"undecodable", "off_chain"}},
		"empty":   {func(w *world) { w.log[decisions][1].Value = nil }, []string{"undecodable", "off_chain"}},
		"a damaged batch": {func(w *world) {
			w.log[decisions][1] = schemas.Unreadable(decisions, 1, 2, "its checksum is wrong")
		}, []string{"undecodable", "off_chain"}},
		"another genesis": {func(w *world) {
			w.rewrite(1, func(b *decision.Batch) { b.Head.Genesis = strings.Repeat("0", 64) })
		}, []string{"off_chain", "off_chain"}},
		"a path that is not in the catalogue": {func(w *world) {
			w.rewrite(1, func(b *decision.Batch) {
				b.Decisions[0].Path = 3
				tick := b.Head.Tick
				tick.Digest = decision.Digest(tick.Previous, b.Head.Chunk.Whole, tick.Policy, b.Decisions)
			})
		}, []string{"undecodable", "off_chain"}},
		"another number": {func(w *world) { w.rewrite(1, func(b *decision.Batch) { b.Head.Tick.Number = 900 }) }, []string{"undecodable", "off_chain"}},
		"control that is not there": {func(w *world) {
			w.rewrite(1, func(b *decision.Batch) { b.Head.Tick.Positions.Control = 900 })
		}, []string{"undecodable", "off_chain"}},
		"one that lost a race": {func(w *world) {
			stray := w.batches(1, 1, true, move("192.0.2.66", 1))
			stray[0].Head.Tick.Number = 2
			w.append(stray...)
			last := w.log[decisions][len(w.log[decisions])-1]
			w.log[decisions] = slices.Insert(w.log[decisions][:len(w.log[decisions])-1], 2, last)
			for i := range w.log[decisions] {
				w.log[decisions][i].Offset = int64(i)
			}
		}, []string{"off_chain"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.decide(move("192.0.2.1", 1))
			w.decide(move("192.0.2.2", 1))
			for range 3 {
				w.decide(move("192.0.2.3", 1))
			}
			one := move("192.0.2.1", 2)
			one.Changed = 0
			w.accept(w.batches(0, 1, true, one, move("192.0.2.3", 1)))
			c.spoil(w)
			m := w.resume()
			w.runPatiently(m)
			got := w.versions()
			if last := listing(t, got[len(got)-1]); last != "192.0.2.1=2 192.0.2.3=1 " {
				t.Errorf("the last version is %s", last)
			}
			if !slices.Equal(w.rejects(), c.want) {
				t.Errorf("rejects %v, want %v", w.rejects(), c.want)
			}
			if again := w.resume(); again.Version() != m.Version() {
				t.Errorf("resumed at version %d of %d", again.Version(), m.Version())
			}
		})
	}
}

// rewrite changes the tick at an offset.
func (w *world) rewrite(offset int, change func(*decision.Batch)) {
	w.t.Helper()
	b := w.batchesOf(offset)[0]
	change(b)
	value, err := b.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	w.log[decisions][offset].Value = value
}

// runPatiently runs m to the end of decisions, over reads that bring nothing; a machine that was superseded is followed by
// one that resumes.
func (w *world) runPatiently(m *publish.Machine) {
	w.t.Helper()
	for range 10_000 {
		in := m.Next()
		held := int64(len(w.log[in.Partition]))
		if in.Partition == decisions && in.Offset >= held {
			return
		}
		next := min(held, in.Offset+3)
		out, err := m.Apply(w.log[in.Partition][in.Offset:next], next)
		if errors.Is(err, schemas.ErrSuperseded) {
			m = w.resume()
			continue
		}
		if err != nil {
			w.t.Fatal(err)
		}
		w.addAll(out)
	}
	w.t.Fatalf("it stands at %+v", m.Next())
}

func TestAPolicyThatControlLostIsNoStall(t *testing.T) {
	w := newWorld(t)
	p := control.DefaultPolicy()
	p.Publish.Expiry = 77
	w.setPolicy(p)
	w.decide(move("192.0.2.1", 1))
	p.Publish.Expiry = 99
	w.setPolicy(p)
	w.log[controls][3].Value = []byte(`{"policy":`)
	w.decide(move("192.0.2.2", 1))
	w.decide(move("192.0.2.3", 1))
	got := w.publish()
	if len(got) != 3 || got[2].Manifest.Policy != w.policy || got[2].Manifest.Expires != got[2].Manifest.Created+77*60_000 {
		t.Errorf("%d versions", len(got))
	}
	if !slices.Equal(w.rejects(), []string{"undecodable", "undecodable"}) { // the record, and the tick that named it
		t.Errorf("rejects %v", w.rejects())
	}
}

// damage spoils a record in one of the ways in which a log can.
func damage(t *rapid.T, r *schemas.Record) {
	r.Value = bytes.Clone(r.Value)
	switch rapid.SampledFrom([]string{"flipped bit", "truncated", "empty", "other schema", "damaged batch"}).Draw(t, "form") {
	case "flipped bit":
		i := rapid.IntRange(0, max(0, len(r.Value)-1)).Draw(t, "byte")
		if len(r.Value) > 0 {
			r.Value[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		}
	case "truncated":
		r.Value = r.Value[:rapid.IntRange(0, max(0, len(r.Value)-1)).Draw(t, "rest")]
	case "empty":
		r.Value, r.Headers = nil, nil
	case "other schema":
		r.Value, r.Headers = []byte(`{"schema":2}`), nil
	case "damaged batch":
		*r = schemas.Unreadable(r.Partition, r.Offset, r.Offset+1, "its checksum is wrong")
	}
}

// A record of decisions, control or maps that is damaged, at any time, in any way, stops nothing: what readers keep are
// versions of the undisturbed run, and once a snapshot followed the last one is.
func TestADamagedRecordStopsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		states := history(t, w)
		n := len(w.log[decisions])
		rows := states[len(states)-1].snapshot()
		w.accept(w.batches(0, 1, true, append(rows, move("203.0.113.1", 1))...))
		w.decide(move("203.0.113.2", 1))
		faulted := *w
		faulted.log = maps.Clone(w.log)
		for p := range faulted.log {
			faulted.log[p] = slices.Clone(faulted.log[p])
		}
		want := map[int64]string{} // digest by tick
		undisturbed := w.publish()
		for _, p := range undisturbed {
			want[p.Manifest.Tick] = p.Manifest.Digest
		}

		topic := rapid.SampledFrom([]schemas.Partition{decisions, controls, mapsPartition}).Draw(t, "topic")
		steps := rapid.IntRange(0, 60).Draw(t, "steps")
		if topic != mapsPartition {
			steps = 0
		}
		if err := faulted.run(faulted.resume(), func() int { return 2 }, func() bool { steps--; return steps < 0 }); err != nil {
			t.Fatal(err)
		}
		first, last := 0, len(faulted.log[topic])-1
		if topic == controls {
			first = 1
		}
		if topic == decisions {
			last = n - 1
		}
		if last >= first {
			damage(t, &faulted.log[topic][rapid.IntRange(first, last).Draw(t, "record")])
		}
		faulted.runPatiently(faulted.resume())
		got := faulted.readable()
		for _, p := range got {
			if d, made := want[p.Manifest.Tick]; topic == mapsPartition && (!made || d != p.Manifest.Digest) {
				t.Fatalf("version %d of tick %d is %s, want %s", p.Manifest.Version, p.Manifest.Tick, p.Manifest.Digest, d)
			}
		}
		if a, b := got[len(got)-1], undisturbed[len(undisturbed)-1]; a.Manifest.Digest != b.Manifest.Digest {
			t.Fatalf("it ends with %s of tick %d, want %s of tick %d", listing(t, a), a.Manifest.Tick, listing(t, b), b.Manifest.Tick)
		}
	})
}
