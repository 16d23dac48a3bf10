package publish_test

import (
	"bytes"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/publish"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
)

// history fills a world with ticks, and with what a reader has to pass over; it returns, by a dumb model, the state after
// each tick.
func history(t *rapid.T, w *world) (states []placed) {
	state := placed{}
	for range rapid.IntRange(1, 12).Draw(t, "ticks") {
		switch rapid.IntRange(0, 5).Draw(t, "before") {
		case 0:
			p := control.DefaultPolicy()
			p.Publish.Renew = rapid.IntRange(1, 4).Draw(t, "renew")
			w.setPolicy(p)
		case 1:
			w.add(decisions, schemas.Record{Value: []byte("rubbish")})
		case 2: // a superseded decider begins the tick and is cut off
			b := w.batches(99, 3, false, move("192.0.2.200", 1))
			w.append(b[:rapid.IntRange(1, 2).Draw(t, "cut")]...)
		case 3: // and one that extends a tick nobody kept
			if stray := *w; w.tick > 0 {
				stray.previous = "elsewhere"
				w.append(stray.batches(98, 1, false, move("192.0.2.201", 1))...)
			}
		}
		var rows []decision.Decision
		state, rows = state.draw(t)
		b := w.batches(0, rapid.IntRange(1, 3).Draw(t, "chunks"), false, rows...)
		w.accept(b)
		if rapid.Bool().Draw(t, "repeat") {
			w.append(b...)
		}
		states = append(states, state)
	}
	return states
}

// Every state that ticks made is the content of some version, in order; nothing else is.
func TestVersionsAreTheStatesOfADumbModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		states := history(t, w)
		versions := w.publish()
		for _, p := range versions {
			m, err := p.Manifest.Open(p.Bytes)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range everybody {
				if got, want := m.Path(r), states[p.Manifest.Tick-1].path(r); got != want {
					t.Fatalf("version %d of tick %d has %s on path %d, want %d", p.Manifest.Version, p.Manifest.Tick, r, got, want)
				}
			}
			prefixes, exceptions := m.Counts()
			if n := p.Manifest; n.Entries != len(m.Entries) || n.Prefixes != prefixes || n.Exceptions != exceptions {
				t.Fatalf("version %d counts %d entries, %d prefixes, %d exceptions", n.Version, n.Entries, n.Prefixes, n.Exceptions)
			}
		}
		made := map[int64]bool{}
		for _, p := range versions {
			made[p.Manifest.Tick] = true
		}
		for i := range states {
			if changed := i == 0 || states[i].differs(states[i-1]); changed && !made[int64(i+1)] {
				t.Fatalf("tick %d changed the map and made no version", i+1)
			}
		}
	})
}

// A machine that dies anywhere, even in the middle of writing a version, and is resumed from the log alone gives the
// versions of one that was never stopped, byte for byte, however reads were cut.
func TestAResumedMachineEqualsOneThatNeverStopped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		history(t, w)
		faulted := *w
		faulted.log = maps.Clone(w.log)
		want := w.publish()

		most := func() int { return rapid.IntRange(1, 5).Draw(t, "batch") }
		for range rapid.IntRange(0, 4).Draw(t, "deaths") {
			steps := rapid.IntRange(0, 8).Draw(t, "steps")
			held := len(faulted.log[mapsPartition])
			if err := faulted.run(faulted.resume(), most, func() bool { steps--; return steps < 0 }); err != nil {
				t.Fatal(err)
			}
			if n := len(faulted.log[mapsPartition]); n > held { // the last append may not have arrived
				faulted.log[mapsPartition] = slices.Clip(faulted.log[mapsPartition][:rapid.IntRange(held, n).Draw(t, "arrived")])
			}
		}
		if err := faulted.run(faulted.resume(), most, func() bool { return false }); err != nil {
			t.Fatal(err)
		}
		got := faulted.versions()
		if len(got) != len(want) {
			t.Fatalf("%d versions, want %d", len(got), len(want))
		}
		for i := range got {
			if !reflect.DeepEqual(got[i].Manifest, want[i].Manifest) || !bytes.Equal(got[i].Bytes, want[i].Bytes) {
				t.Fatalf("version %d is %+v, want %+v", i+1, got[i].Manifest, want[i].Manifest)
			}
		}
	})
}

// resume does what the shell does.
func (w *world) resume() *publish.Machine {
	return w.resumeAs(publish.Config{Code: "test"})
}

func (w *world) resumeAs(cfg publish.Config) *publish.Machine {
	chain, last := new(pathmap.Chain), (*pathmap.Publication)(nil)
	var rejects []schemas.Record
	for i := range w.log[mapsPartition] {
		p, err := chain.Add(&w.log[mapsPartition][i])
		if err != nil {
			rejects = append(rejects, publish.Passed(&w.log[mapsPartition][i], err))
		}
		if p != nil {
			last, rejects = p, nil
		}
	}
	cfg.Attempt = int64(len(w.log[mapsPartition]))
	m := publish.New(w.genesis, cfg, 0)
	if last != nil {
		var err error
		if m, err = publish.Resume(w.genesis, cfg, last); err != nil {
			w.t.Fatal(err)
		}
	}
	m.Follow(chain, rejects)
	return m
}

// A map of several records, cut short anywhere, is finished by the next owner.
func TestAVersionCutShortIsWrittenAgain(t *testing.T) {
	w := newWorld(t)
	var rows []decision.Decision
	addr := netip.MustParseAddr("2001:db8::")
	for range 2*pathmap.ChunkBytes/17 + 1 {
		addr = addr.Next()
		rows = append(rows, decision.Decision{Resolver: addr, Path: 1, Changed: 1})
	}
	w.decide(rows...)
	want := w.publish()
	whole := w.log[mapsPartition]
	if len(whole) != 3 {
		t.Fatalf("%d records", len(whole))
	}
	for cut := range whole {
		w.log[mapsPartition] = slices.Clip(whole[:cut])
		if err := w.runAll(w.resume()); err != nil {
			t.Fatal(err)
		}
		got := w.versions()
		if len(got) != 1 || !reflect.DeepEqual(got, want) {
			t.Errorf("cut at %d: %d versions", cut, len(got))
		}
	}
}
