package fleet_test

import (
	"testing"

	"detour/internal/dataflow/memlog"
	"detour/publish/fleet"
	"detour/schemas"
	"detour/schemas/pathmap"
)

// race leaves a log that ends with version 3, a loser for its place, and so much that can't be read that a replica which
// starts there sees only the loser at first.
func race(t *testing.T) (log *memlog.Log, winner, loser pathmap.Manifest) {
	log = memlog.All(1)
	w := &source{t: t, log: log}
	w.append(w.records(1)...)
	w.append(w.records(2)...)
	before := w.last
	w.append(w.records(3)...)
	winner, w.last = w.last, before
	w.append(w.records(4)...)
	loser = w.last
	for range 63 {
		w.append(schemas.Record{Value: []byte("rubbish")})
	}
	return log, winner, loser
}

func TestAVersionThatLostIsNeverServed(t *testing.T) {
	log, winner, loser := race(t)
	s := newSite(t, log, fleet.Default())
	v, newer := s.store.Last()
	if v == nil {
		<-newer
		v, _ = s.store.Last()
	}
	if v.Manifest.Digest != winner.Digest || v.Manifest.Digest == loser.Digest {
		t.Errorf("it serves %.16s first, want %.16s", v.Manifest.Digest, winner.Digest)
	}
	s.last = loser // no writer extends it, and if one did
	s.append(s.records(5)...)
	s.last = winner
	s.publish(6)
	if v, _ := s.store.Last(); v.Manifest.Digest != s.last.Digest || v.Manifest.Previous != winner.Digest {
		t.Errorf("version %d is served", v.Manifest.Version)
	}
}

func TestAVersionThatIsWrittenAgainIsNoNews(t *testing.T) {
	s := newSite(t, memlog.All(1), fleet.Default())
	s.publish(1)
	again := s.last
	s.last = pathmap.Manifest{}
	records := s.records(1)
	if s.last.Digest != again.Digest {
		t.Fatal("it is not the same")
	}
	_, newer := s.store.Last()
	s.append(records...)
	s.publish(2)
	<-newer
	if v := s.store.Get(2); v == nil || s.store.Get(1) == nil {
		t.Error("a version is gone")
	}
	if v, _ := s.store.Last(); v.Manifest.Version != 2 {
		t.Errorf("version %d is the last", v.Manifest.Version)
	}
}

func TestAVersionThatCantBeReadIsPassedOver(t *testing.T) {
	s := newSite(t, memlog.All(1), fleet.Default())
	s.publish(1)
	damaged := s.records(2)
	damaged[0].Value = damaged[0].Value[1:]
	s.append(damaged...)
	s.publish(3)
	if v, _ := s.store.Last(); v.Manifest.Version != 3 || s.store.Get(2) != nil || s.store.Get(1) == nil {
		t.Errorf("version %d is the last", v.Manifest.Version)
	}
}
