package publish_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"detour/publish"
	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
)

// tester is what testing.T and rapid.T share.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

var (
	controls      = schemas.Partition{Topic: schemas.Control}
	decisions     = schemas.Partition{Topic: schemas.Decisions}
	mapsPartition = schemas.Partition{Topic: schemas.Maps}
)

func genesis() control.Genesis {
	g := control.DefaultGenesis()
	g.Reports = "reports"
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}, {ID: "other", Kind: control.Proxy}}
	return g
}

// world is the log that a machine reads and writes, with a decider that appends ticks as decide would.
type world struct {
	t       tester
	genesis control.Genesis
	log     map[schemas.Partition][]schemas.Record

	policy   string
	previous string
	tick     int64
	pane     int64
}

func newWorld(t tester) *world {
	w := &world{t: t, genesis: genesis(), log: make(map[schemas.Partition][]schemas.Record)}
	w.control(&control.Record{Genesis: &w.genesis})
	w.setPolicy(control.DefaultPolicy())
	return w
}

func (w *world) add(p schemas.Partition, r schemas.Record) {
	r.Partition, r.Offset = p, int64(len(w.log[p]))
	w.log[p] = append(w.log[p], r)
}

func (w *world) control(c *control.Record) {
	w.t.Helper()
	r, err := c.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	w.add(controls, r)
}

func (w *world) setPolicy(p control.Policy) {
	w.control(&control.Record{Policy: &p})
	w.policy = p.Hash()
}

// batches returns the next tick in n chunks, without appending it.
func (w *world) batches(attempt int64, n int, snapshot bool, rows ...decision.Decision) []*decision.Batch {
	slices.SortFunc(rows, func(a, b decision.Decision) int { return decision.Compare(&a, &b) })
	pane := w.pane + w.genesis.Pane
	tick := &decision.Tick{
		Number: w.tick + 1, Snapshot: snapshot || w.tick == 0, Policy: w.policy, Previous: w.previous,
		Digest: decision.Digest(w.previous, pane, w.policy, rows),
		Positions: decision.Positions{
			Windows: []int64{10 * w.tick}, Resume: []int64{0}, Control: int64(len(w.log[controls])),
		},
	}
	var batches []*decision.Batch
	for i := range n {
		b := &decision.Batch{
			Head:      decision.Head{Genesis: w.genesis.Hash(), Chunk: chunk.Place{Whole: pane, Attempt: attempt, Index: i, Count: n}},
			Decisions: rows[i*len(rows)/n : (i+1)*len(rows)/n],
		}
		batches = append(batches, b)
	}
	batches[n-1].Head.Tick = tick
	return batches
}

func (w *world) append(batches ...*decision.Batch) {
	w.t.Helper()
	for _, b := range batches {
		value, err := b.Encode()
		if err != nil {
			w.t.Fatal(err)
		}
		w.add(decisions, schemas.Record{Value: value})
	}
}

// batchesOf returns the chunks of the tick at an offset of decisions, which is one record.
func (w *world) batchesOf(offset int) []*decision.Batch {
	w.t.Helper()
	b, err := decision.Decode(w.log[decisions][offset].Value)
	if err != nil {
		w.t.Fatal(err)
	}
	return []*decision.Batch{b}
}

// decide appends the next tick.
func (w *world) decide(rows ...decision.Decision) {
	w.t.Helper()
	w.accept(w.batches(0, 1, false, rows...))
}

func (w *world) accept(batches []*decision.Batch) {
	w.t.Helper()
	w.append(batches...)
	last := batches[len(batches)-1].Head
	w.tick, w.previous, w.pane = last.Tick.Number, last.Tick.Digest, last.Chunk.Whole
}

func move(resolver string, path uint8) decision.Decision {
	return decision.Decision{Resolver: netip.MustParseAddr(resolver), Path: path, Changed: 1}
}

func gone(resolver string) decision.Decision {
	return decision.Decision{Resolver: netip.MustParseAddr(resolver), Gone: 1, Changed: 1}
}

// run lets m read everything, at most most() records a time, and appends what it causes. It stops early where stop says so.
func (w *world) run(m *publish.Machine, most func() int, stop func() bool) error {
	for !stop() {
		in := m.Next()
		held := int64(len(w.log[in.Partition]))
		if in.Wait && in.Offset >= held {
			return nil
		}
		next := min(held, in.Offset+int64(most()))
		out, err := m.Apply(w.log[in.Partition][in.Offset:next], next)
		if err != nil {
			return err
		}
		for _, r := range out {
			w.add(r.Partition, r)
		}
	}
	return nil
}

func (w *world) runAll(m *publish.Machine) error {
	return w.run(m, func() int { return 1 << 20 }, func() bool { return false })
}

// versions reads the maps partition as every reader does.
func (w *world) versions() []*pathmap.Publication {
	w.t.Helper()
	var chain pathmap.Chain
	var all []*pathmap.Publication
	for i := range w.log[mapsPartition] {
		p, err := chain.Add(&w.log[mapsPartition][i])
		if err != nil {
			w.t.Fatal(err)
		}
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}

func (w *world) rejects() (reasons []string) {
	for _, r := range w.log[schemas.Partition{Topic: schemas.Rejects}] {
		reason, _ := r.Header("detour-reason")
		reasons = append(reasons, string(reason))
	}
	return reasons
}

// publish runs a fresh machine over the log and returns the versions.
func (w *world) publish() []*pathmap.Publication {
	w.t.Helper()
	if err := w.runAll(publish.New(w.genesis, publish.Config{Code: "test"}, 0)); err != nil {
		w.t.Fatal(err)
	}
	return w.versions()
}

// listing writes a version's entries in one line.
func listing(t tester, p *pathmap.Publication) string {
	t.Helper()
	m, err := p.Manifest.Open(p.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	s := ""
	for _, e := range m.Entries {
		s += fmt.Sprintf("%s=%d ", e.Resolver, e.Path)
	}
	return s
}

var _ tester = (*testing.T)(nil)
