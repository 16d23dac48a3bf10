package worker_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/publish/worker"
	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
)

var (
	mapsPartition = schemas.Partition{Topic: schemas.Maps}
	ticks         = schemas.Partition{Topic: schemas.Decisions}
)

// tester is what testing.T and rapid.T share.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
	Context() context.Context
}

// stage is publish over a log in memory, with a decider.
type stage struct {
	t        tester
	log      *memlog.Log
	genesis  control.Genesis
	policy   control.Policy
	previous string
	tick     int64
}

func newStage(t tester) *stage {
	s := &stage{t: t, log: memlog.All(1), genesis: control.DefaultGenesis(), policy: control.DefaultPolicy()}
	s.genesis.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}}
	for _, c := range []control.Record{{Genesis: &s.genesis}, {Policy: &s.policy}} {
		r, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		s.append(r)
	}
	return s
}

func (s *stage) append(r schemas.Record) {
	s.t.Helper()
	if _, err := s.log.Append(s.t.Context(), r.Partition, []schemas.Record{r}); err != nil {
		s.t.Fatal(err)
	}
}

// decide appends a tick that moves resolvers to the proxy.
func (s *stage) decide(snapshot bool, resolvers ...string) {
	s.t.Helper()
	var rows []decision.Decision
	for _, r := range resolvers {
		rows = append(rows, decision.Decision{Resolver: netip.MustParseAddr(r), Path: 1, Changed: 1})
	}
	s.tick++
	pane := s.tick * s.genesis.Pane
	digest := decision.Digest(s.previous, pane, s.policy.Hash(), rows)
	b := decision.Batch{Decisions: rows, Head: decision.Head{
		Genesis: s.genesis.Hash(), Chunk: chunk.Place{Whole: pane, Count: 1},
		Tick: &decision.Tick{
			Number: s.tick, Snapshot: snapshot || s.tick == 1, Policy: s.policy.Hash(), Previous: s.previous, Digest: digest,
			Positions: decision.Positions{Windows: []int64{0}, Resume: []int64{0}, Control: 2},
		},
	}}
	value, err := b.Encode()
	if err != nil {
		s.t.Fatal(err)
	}
	s.previous = digest
	s.append(schemas.Record{Partition: ticks, Value: value})
}

// resume builds the machine and lets it run to the end of decisions.
func (s *stage) resume() error {
	p := &publisher{log: s.log, genesis: s.genesis}
	for {
		if moved, err := p.step(s.t.Context(), all, all); !moved || err != nil {
			return err
		}
	}
}

func (s *stage) mustResume() {
	s.t.Helper()
	if err := s.resume(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) versions() (all []*pathmap.Publication) {
	s.t.Helper()
	start, end, err := s.log.Bounds(s.t.Context(), mapsPartition)
	if err != nil {
		s.t.Fatal(err)
	}
	records, err := dataflow.Range(s.t.Context(), s.log, mapsPartition, start, end)
	if err != nil {
		s.t.Fatal(err)
	}
	var chain pathmap.Chain
	for i := range records {
		if p, _ := chain.Add(&records[i]); p != nil {
			all = append(all, p)
		}
	}
	return all
}

func TestResumeGoesOnBehindTheLastVersion(t *testing.T) {
	s := newStage(t)
	s.mustResume()
	if n := len(s.versions()); n != 0 {
		t.Fatalf("%d versions of nothing", n)
	}
	for i, r := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
		s.decide(false, r)
		s.append(schemas.Record{Partition: mapsPartition, Value: []byte("rubbish")})
		s.mustResume()
		all := s.versions()
		if len(all) != i+1 || all[i].Manifest.Entries != i+1 {
			t.Fatalf("after tick %d: %d versions, the last with %d entries", i+1, len(all), all[len(all)-1].Manifest.Entries)
		}
	}
	s.mustResume() // nothing new
	if n := len(s.versions()); n != 3 {
		t.Errorf("%d versions", n)
	}
}

func TestResumeAfterDecisionsWereLost(t *testing.T) {
	s := newStage(t)
	s.decide(false, "192.0.2.1")
	s.mustResume()
	s.decide(false, "192.0.2.2")
	s.decide(false, "192.0.2.3")
	s.decide(true, "192.0.2.1", "192.0.2.2", "192.0.2.3")
	s.decide(false)
	if err := s.log.Trim(ticks, 2); err != nil {
		t.Fatal(err)
	}
	s.mustResume()
	all := s.versions()
	if last := all[len(all)-1].Manifest; last.Version != 2 || last.Entries != 3 {
		t.Errorf("version %d with %d entries", last.Version, last.Entries)
	}
}

// Retention overtakes a machine that runs: its read fails, and the one that resumes goes on from what there is.
func TestDecisionsAreLostInMidRun(t *testing.T) {
	s := newStage(t)
	s.decide(false, "192.0.2.1")
	p := &publisher{log: s.log, genesis: s.genesis}
	run := func() (err error) {
		for moved := true; moved && err == nil; {
			moved, err = p.step(t.Context(), all, all)
		}
		return err
	}
	if err := run(); err != nil {
		t.Fatal(err)
	}
	s.decide(false, "192.0.2.2")
	s.decide(true, "192.0.2.1", "192.0.2.2")
	s.decide(false, "192.0.2.3")
	if err := s.log.Trim(ticks, 2); err != nil {
		t.Fatal(err)
	}
	if err := run(); !errors.Is(err, dataflow.ErrOutOfRange) || errors.As(err, new(dataflow.Fatal)) {
		t.Fatal(err)
	}
	p = &publisher{log: s.log, genesis: s.genesis}
	if err := run(); err != nil {
		t.Fatal(err)
	}
	all := s.versions()
	if last := all[len(all)-1].Manifest; last.Version != 2 || last.Entries != 3 || last.Incomplete {
		t.Errorf("version %d with %d entries", last.Version, last.Entries)
	}
}

func TestALastVersionThatCantBeReadIsMadeAgain(t *testing.T) {
	s := newStage(t)
	for _, r := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
		s.decide(false, r)
	}
	s.mustResume()
	want := s.versions()
	store, stop := s.fleet()
	defer stop()
	await(store, 3)
	records, err := dataflow.Range(t.Context(), s.log, mapsPartition, 0, 3)
	if err != nil {
		t.Fatal(err)
	}
	records[2].Value[7]++ // the log shares its values
	if n := len(s.versions()); n != 2 {
		t.Fatalf("%d versions can be read", n)
	}
	s.mustResume()
	got := s.versions()
	if len(got) != 3 || got[2].Manifest.Digest != want[2].Manifest.Digest {
		t.Errorf("%d versions", len(got))
	}
	rejects := s.rejects()
	if len(rejects) != 1 || rejects[0] != "undecodable maps/0@2" {
		t.Errorf("rejects %v", rejects)
	}
	s.decide(false, "192.0.2.4")
	s.mustResume()
	await(store, 4)
	for i, p := range s.versions() {
		if v := store.Get(int64(i + 1)); v == nil || v.Manifest.Digest != p.Manifest.Digest {
			t.Errorf("version %d is served as %+v", i+1, v)
		}
	}
}

func TestWhatResumeRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*stage)
		want  string
	}{
		"every version is lost": {func(s *stage) {
			if err := s.log.Trim(mapsPartition, 1); err != nil {
				s.t.Fatal(err)
			}
		}, "no complete version is left"},
		"other settings": {func(s *stage) { s.genesis.Pane = 30_000 }, "this process is configured as"},
		"decisions made afresh": {func(s *stage) {
			old := s.versions()[0]
			*s = *newStage(s.t)
			records, err := old.Records(0)
			if err != nil {
				s.t.Fatal(err)
			}
			s.append(records[0])
		}, "it was recreated"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.decide(false, "192.0.2.1")
			s.mustResume()
			c.spoil(s)
			err := s.resume()
			var fatal dataflow.Fatal
			if !errors.As(err, &fatal) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a fatal error with %q", err, c.want)
			}
		})
	}
}

func TestLoadKey(t *testing.T) {
	_, want, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, key any) string {
		path := filepath.Join(t.TempDir(), name)
		data := []byte("no key")
		if key != nil {
			der, err := x509.MarshalPKCS8PrivateKey(key)
			if err != nil {
				t.Fatal(err)
			}
			data = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if got, err := worker.LoadKey(write("good.pem", want)); err != nil || !got.Equal(want) {
		t.Errorf("%v", err)
	}
	for name, key := range map[string]any{"rsa.pem": foreign, "rubbish.pem": nil} {
		if _, err := worker.LoadKey(write(name, key)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := worker.LoadKey("nowhere.pem"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
