package publish_test

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"

	"detour/publish"
	"detour/schemas"
	"detour/schemas/control"
)

func TestVersionsFollowTicks(t *testing.T) {
	w := newWorld(t)
	w.decide(move("192.0.2.9", 1), move("2001:db8::1", 2))
	w.decide()
	w.decide(move("192.0.2.1", 2), move("192.0.2.9", 0))
	w.decide(gone("2001:db8::1"), gone("203.0.113.1"))
	got := w.publish()
	want := []string{"192.0.2.9=1 2001:db8::1=2 ", "192.0.2.1=2 2001:db8::1=2 ", "192.0.2.1=2 "}
	if len(got) != len(want) {
		t.Fatalf("%d versions, want %d", len(got), len(want))
	}
	previous := ""
	for i, p := range got {
		m := p.Manifest
		if listing(t, p) != want[i] || m.Version != int64(i+1) || m.Previous != previous {
			t.Errorf("version %d after %q: %s, want %s", m.Version, m.Previous, listing(t, p), want[i])
		}
		previous = m.Digest
	}
	m := got[1].Manifest
	if m.Pane != 3*60_000 || m.Created != 4*60_000 || m.Expires != m.Created+120*60_000 {
		t.Errorf("pane %d, created %d, expires %d", m.Pane, m.Created, m.Expires)
	}
	if m.Tick != 3 || m.Positions.Decisions != 3 || m.Positions.Control != 2 || !slices.Equal(m.Positions.Windows, []int64{20}) {
		t.Errorf("tick %d, positions %+v", m.Tick, m.Positions)
	}
	if m.Entries != 2 || m.Code != "test" || m.Signature != nil || m.Genesis != w.genesis.Hash() || m.Policy != w.policy {
		t.Errorf("%+v", m)
	}
	if len(w.rejects()) != 0 {
		t.Errorf("rejects: %v", w.rejects())
	}
}

func TestAnUnchangedMapIsRenewed(t *testing.T) {
	w := newWorld(t)
	for range 62 {
		w.decide()
	}
	var panes []int64
	for _, p := range w.publish() {
		panes = append(panes, p.Manifest.Pane/60_000)
	}
	if !slices.Equal(panes, []int64{1, 31, 61}) {
		t.Errorf("versions at panes %v", panes)
	}
}

func TestANewPolicyIsANewVersion(t *testing.T) {
	w := newWorld(t)
	w.decide()
	policy := control.DefaultPolicy()
	policy.Publish.Expiry = 60
	w.setPolicy(policy)
	w.decide()
	w.decide()
	got := w.publish()
	if len(got) != 2 || got[1].Manifest.Policy != policy.Hash() || got[1].Manifest.Expires != got[1].Manifest.Created+60*60_000 {
		t.Errorf("%d versions, the last %+v", len(got), got[len(got)-1].Manifest)
	}
}

func TestASignedVersion(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.decide()
	if err := w.runAll(publish.New(w.genesis, publish.Config{Key: key}, 0)); err != nil {
		t.Fatal(err)
	}
	if err := w.versions()[0].Manifest.Verify(public); err != nil {
		t.Error(err)
	}
}

func TestATickThatDoesNotExtendTheLastIsDropped(t *testing.T) {
	w := newWorld(t)
	w.decide(move("192.0.2.1", 1))
	stray := w.batches(7, 1, false, move("192.0.2.66", 1)) // another decider's, which begins as this one's and goes on alone
	w.decide(move("192.0.2.2", 1))
	w.append(stray...)          // lost against the tick of its number
	w.append(w.batchesOf(1)...) // a repeat is no reject
	other := *w
	other.previous = stray[0].Head.Tick.Digest
	w.append(other.batches(7, 1, false, move("192.0.2.67", 1))...) // off the chain
	w.decide(move("192.0.2.3", 1))
	w.add(decisions, schemas.Record{Value: []byte("nothing of ours")})
	got := w.publish()
	if last := listing(t, got[len(got)-1]); last != "192.0.2.1=1 192.0.2.2=1 192.0.2.3=1 " {
		t.Errorf("the last version is %s", last)
	}
	if !slices.Equal(w.rejects(), []string{"off_chain", "off_chain", "undecodable"}) {
		t.Errorf("rejects: %v", w.rejects())
	}
}

func TestAForgedTickIsRefused(t *testing.T) {
	w := newWorld(t)
	w.decide()
	forged := w.batches(1, 1, false, move("192.0.2.66", 1))
	forged[0].Decisions[0].Path = 2
	w.append(forged...)
	w.decide(move("192.0.2.1", 1))
	got := w.publish()
	if len(got) != 2 || listing(t, got[1]) != "192.0.2.1=1 " || !slices.Equal(w.rejects(), []string{"undecodable"}) {
		t.Errorf("%d versions, rejects %v", len(got), w.rejects())
	}
}

// Until a tick extends that snapshot, it may be the loser of a race: no version is made of it.
func TestReadingBeginsWithASnapshot(t *testing.T) {
	w := newWorld(t)
	w.decide(move("192.0.2.1", 1))
	w.decide(move("192.0.2.2", 1))
	kept := move("192.0.2.1", 1)
	kept.Changed = 0
	w.accept(w.batches(0, 1, true, kept, move("192.0.2.2", 2)))
	w.decide(move("192.0.2.3", 1))
	if err := w.runAll(publish.New(w.genesis, publish.Config{}, 1)); err != nil {
		t.Fatal(err)
	}
	got := w.versions()
	if len(got) != 1 || listing(t, got[0]) != "192.0.2.1=1 192.0.2.2=2 192.0.2.3=1 " {
		t.Errorf("%d versions, the first %s", len(got), listing(t, got[0]))
	}
	if !slices.Equal(w.rejects(), []string{"off_chain"}) {
		t.Errorf("rejects: %v", w.rejects())
	}
}

func TestAnOverrunIsMendedByTheNextSnapshot(t *testing.T) {
	w := newWorld(t)
	w.decide(move("192.0.2.1", 1), move("192.0.2.5", 1))
	before := w.publish()[0]
	w.decide(gone("192.0.2.5")) // never read
	w.decide(move("192.0.2.2", 1))
	kept := move("192.0.2.1", 1)
	kept.Changed = 0
	w.accept(w.batches(0, 1, true, kept, move("192.0.2.2", 1)))
	w.decide()
	m, err := publish.Resume(w.genesis, publish.Config{Attempt: 1}, before)
	if err != nil {
		t.Fatal(err)
	}
	m.Overrun(2)
	if err := w.runAll(m); err != nil {
		t.Fatal(err)
	}
	got := w.versions()
	if len(got) != 2 || listing(t, got[1]) != "192.0.2.1=1 192.0.2.2=1 " {
		t.Errorf("%d versions, the last %s", len(got), listing(t, got[len(got)-1]))
	}
}

func TestALogThatContradicts(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*world)
		want  string
	}{
		"another genesis in control": {func(w *world) { w.genesis.Pane = 30_000 }, "pane_ms is 30000 here and 60000 in the log"},
		"no genesis in control":      {func(w *world) { w.log[controls][0].Value = w.log[controls][1].Value }, "control/0@0 is not a genesis"},
		"rubbish in control":         {func(w *world) { w.log[controls][0].Value = []byte("{") }, "the log's genesis, control/0@0"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.decide()
			c.spoil(w)
			err := w.runAll(publish.New(w.genesis, publish.Config{}, 0))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestControlRecordsThatChangeNothing(t *testing.T) {
	w := newWorld(t)
	w.add(controls, schemas.Record{Value: []byte(`{"later":1}`)})
	w.control(&control.Record{Genesis: &w.genesis})
	w.decide()
	got := w.publish()
	if len(got) != 1 || got[0].Manifest.Positions.Control != 4 || !slices.Equal(w.rejects(), []string{"undecodable"}) {
		t.Errorf("%d versions, rejects %v", len(got), w.rejects())
	}
	w.decide(move("192.0.2.1", 1))
	m := w.resume()
	if err := w.runAll(m); err != nil || len(w.versions()) != 2 || len(w.rejects()) != 1 {
		t.Errorf("after a restart: %d versions, rejects %v, %v", len(w.versions()), w.rejects(), err)
	}
}

func TestResumeRefusesWhatIsNotItsOwn(t *testing.T) {
	w := newWorld(t)
	w.decide(move("192.0.2.1", 1))
	p := w.publish()[0]
	other := w.genesis
	other.Lateness++
	if _, err := publish.Resume(other, publish.Config{}, p); err == nil {
		t.Error("resumed with another genesis")
	}
	p.Bytes[len(p.Bytes)-1]++
	if _, err := publish.Resume(w.genesis, publish.Config{}, p); err == nil {
		t.Error("resumed from bytes that are not the manifest's")
	}
}

func TestASecondGenesisChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.control(&control.Record{Genesis: &w.genesis}) // two processes began the log at once
	other := w.genesis
	other.Pane *= 2
	w.control(&control.Record{Genesis: &other})
	w.decide(move("192.0.2.1", 1))
	if err := w.runAll(w.resume()); err != nil {
		t.Fatal(err)
	}
	if got := w.rejects(); !slices.Equal(got, []string{"off_chain"}) {
		t.Errorf("rejects %v", got)
	}
}
