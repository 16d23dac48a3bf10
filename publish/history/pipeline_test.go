package history

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/sample"
	"detour/schemas/window"
)

const paneMS = 60_000

var policyHash = strings.Repeat("ab", 32)

func testGenesis() control.Genesis {
	g := control.DefaultGenesis()
	g.Reports, g.Samples = "reports", 2
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}, {ID: "proxy-2", Kind: control.Proxy}}
	return g
}

// pipeline writes what the stages before history would write.
type pipeline struct {
	t       testing.TB
	log     *memlog.Log
	rng     *rand.Rand
	genesis control.Genesis
	tick    chunk.Link
	version chunk.Link
	samples uint64 // ok samples written
	windows uint64 // rows written
	changed uint64 // decisions written
	maps    map[int64]*pathmap.Map
}

func newPipeline(t testing.TB, seed uint64) *pipeline {
	return &pipeline{
		t: t, log: memlog.All(2), rng: rand.New(rand.NewPCG(seed, 0)), genesis: testGenesis(), maps: map[int64]*pathmap.Map{},
	}
}

func (p *pipeline) append(r schemas.Record) {
	p.t.Helper()
	if _, err := p.log.Append(p.t.Context(), r.Partition, []schemas.Record{r}); err != nil {
		p.t.Fatal(err)
	}
}

func address(i int) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint32(b[12:], uint32(i))
	if i%3 == 0 {
		copy(b[:], "\x20\x01\x0d\xb8")
		return netip.AddrFrom16(b)
	}
	b[12] = 10
	return netip.AddrFrom4([4]byte(b[12:]))
}

// pane writes a sealed pane of n resolvers in as many chunks. A resolver's windows are all in one partition.
func (p *pipeline) pane(partition int32, start int64, n, chunks int) []window.Window {
	p.t.Helper()
	var rows []window.Window
	for i := range n {
		for path := range uint8(2) {
			w := window.Window{
				Resolver: address(1000*int(partition) + i), Country: []sample.Country{'D'<<8 | 'E', 'B'<<8 | 'R'}[i%2], ASN: uint32(i), Path: path, Class: sample.Class(1 + i%2), GatewayErrors: uint32(i % 2),
			}
			bins := []int{}
			for range 1 + p.rng.IntN(8) {
				bins = append(bins, int(window.LatencyBin(uint32(1+p.rng.IntN(1<<p.rng.IntN(31))))))
			}
			slices.Sort(bins)
			for _, bin := range bins {
				w.Latency.Add(int16(bin), 1)
			}
			w.OK = uint32(len(bins))
			if path > 0 {
				w.Ratio.Add(int16(p.rng.IntN(2*window.MaxRatioBin)-window.MaxRatioBin), 1)
				w.Pairs, w.PairRuns = 1, 1
			}
			w.P50, w.P75, w.P90 = w.Latency.LatencyQuantile(500), w.Latency.LatencyQuantile(750), w.Latency.LatencyQuantile(900)
			w.P95, w.P99 = w.Latency.LatencyQuantile(950), w.Latency.LatencyQuantile(990)
			p.samples += uint64(w.OK)
			rows = append(rows, w)
		}
	}
	slices.SortFunc(rows, func(a, b window.Window) int { return window.Compare(&a, &b) })
	p.windows += uint64(len(rows))
	p.write(partition, start, 0, chunks, rows, window.Digest(start, rows))
	return rows
}

func (p *pipeline) write(partition int32, start, attempt int64, chunks int, rows []window.Window, digest string) {
	p.t.Helper()
	for i := range chunks {
		b := window.Batch{
			Head:    window.Head{Genesis: p.genesis.Hash(), Partition: partition, Chunk: chunk.Place{Whole: start, Attempt: attempt, Index: i, Count: chunks}},
			Windows: rows[i*len(rows)/chunks : (i+1)*len(rows)/chunks],
		}
		if i == chunks-1 {
			b.Head.Seal = &window.Seal{Digest: digest, Through: start, Totals: window.Totals{Samples: int64(len(rows))}}
		}
		value, err := b.Encode()
		if err != nil {
			p.t.Fatal(err)
		}
		p.append(schemas.Record{Partition: schemas.Partition{Topic: schemas.Windows, Number: partition}, Value: value})
	}
}

// decide writes a tick in which n resolvers of m change, all m in it if it is a snapshot.
func (p *pipeline) decide(pane int64, n, m int, snapshot bool) {
	p.t.Helper()
	var rows []decision.Decision
	for i := range m {
		changed := uint8(0)
		if i < n {
			changed = 1
		}
		if changed == 1 || snapshot {
			row := p.decision(pane, address(i))
			row.Changed = changed
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b decision.Decision) int { return decision.Compare(&a, &b) })
	p.writeTick(pane, snapshot, rows)
	p.changed += uint64(n)
}

// decision returns a change of a resolver's state with something in every column.
func (p *pipeline) decision(pane int64, resolver netip.Addr) decision.Decision {
	return decision.Decision{
		Resolver: resolver, Path: 1, Since: pane, Changed: 1, Reason: decision.Faster, Level: decision.Resolver,
		Candidate: 1, Runs: 7, Cells: 1, Ratio: -512, RatioUpper: -256, WorstRatio: -100, WorstASN: 64500, WorstCountry: 'D'<<8 | 'E',
		Direct: 90_000, Gain: 20_000, DefaultTries: 30, DefaultFailures: 1, CandidateTries: 29, CandidateFailures: 2,
		RatioLower: -1024, Harm: 5_000, HarmLimit: 20_000, OwnRatio: -768, OwnRuns: 352, GroupRatio: 512, GroupRuns: 96, Penalty: 3, Failovers: 1,
	}
}

// decideFor writes a tick in which one resolver changes.
func (p *pipeline) decideFor(pane int64, resolver netip.Addr, snapshot bool) {
	p.writeTick(pane, snapshot, []decision.Decision{{Resolver: resolver, Path: 1, Since: pane, Changed: 1, Reason: decision.Faster, Level: decision.Resolver}})
}

func (p *pipeline) writeTick(pane int64, snapshot bool, rows []decision.Decision) {
	p.t.Helper()
	tick := decision.Tick{Number: p.tick.Number + 1, Snapshot: snapshot, Policy: policyHash, Previous: p.tick.Digest}
	tick.Digest = decision.Digest(tick.Previous, pane, tick.Policy, rows)
	p.tick = chunk.Link{Number: tick.Number, Digest: tick.Digest}
	b := decision.Batch{Head: decision.Head{Genesis: p.genesis.Hash(), Chunk: chunk.Place{Whole: pane, Count: 1}, Tick: &tick}, Decisions: rows}
	value, err := b.Encode()
	if err != nil {
		p.t.Fatal(err)
	}
	p.append(schemas.Record{Partition: schemas.Partition{Topic: schemas.Decisions}, Value: value})
}

// publish writes a version with these entries.
func (p *pipeline) publish(pane int64, entries []pathmap.Entry) {
	p.t.Helper()
	m := &pathmap.Map{Genesis: p.genesis.Hash(), Policy: policyHash, Pane: pane, Paths: p.genesis.PathIDs(), Entries: entries}
	data, err := m.Encode()
	if err != nil {
		p.t.Fatal(err)
	}
	prefixes, exceptions := m.Counts()
	pub := pathmap.Publication{Bytes: data, Manifest: pathmap.Manifest{
		Version: p.version.Number + 1, Digest: pathmap.Digest(data), Previous: p.version.Digest, Pane: pane, Created: pane + paneMS,
		Expires: pane + 100*paneMS, Genesis: m.Genesis, Policy: policyHash, Code: "test", Entries: len(entries),
		Prefixes: prefixes, Exceptions: exceptions, Size: len(data), Tick: p.tick.Number,
		Positions: pathmap.Positions{Decisions: 1, Windows: []int64{1, 2}},
	}}
	p.version = chunk.Link{Number: pub.Manifest.Version, Digest: pub.Manifest.Digest}
	p.maps[pub.Manifest.Version] = m
	records, err := pub.Records(0)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, r := range records {
		p.append(r)
	}
}

// entries returns a random map's: resolvers, prefixes of theirs, and exceptions.
func (p *pipeline) entries(of int) []pathmap.Entry {
	var entries []pathmap.Entry
	for i := -3; i < of; i++ {
		if path := p.rng.IntN(4); path < 3 {
			entries = append(entries, entryAt(i, uint8(path)))
		}
	}
	slices.SortFunc(entries, pathmap.Compare)
	return pathmap.Necessary(entries, 0)
}

// minutes writes n panes, ticks and versions from a start on.
func (p *pipeline) minutes(from, n, resolvers int) {
	for i := from; i < from+n; i++ {
		pane := int64(1_000_000+i) * paneMS
		p.pane(0, pane, resolvers, 1+i%3)
		p.pane(1, pane, resolvers/2, 1)
		p.decide(pane, i%5, 20, i%4 == 0)
		p.publish(pane, p.entries(30))
	}
}

func (p *pipeline) history(s *Store, g *soloGroup) *History {
	return New(s, Deps{Log: p.log, Group: g, Prefix: "test", Genesis: p.genesis})
}

// verify compares what ClickHouse holds with what was written.
func (p *pipeline) verify(s *Store) {
	p.t.Helper()
	for query, want := range map[string]uint64{
		"SELECT count() FROM windows":                                          p.windows,
		"SELECT sum(windows) FROM panes":                                       p.windows,
		"SELECT sum(ok) FROM windows":                                          p.samples,
		"SELECT sum(ok) FROM windows_hourly":                                   p.samples,
		"SELECT toUInt64(detour_samples(sumMap(latency))) FROM windows":        p.samples,
		"SELECT toUInt64(detour_samples(sumMap(latency))) FROM windows_hourly": p.samples,
		"SELECT count() FROM decisions":                                        p.changed,
		"SELECT count() FROM ticks":                                            uint64(p.tick.Number),
		"SELECT max(tick) FROM ticks":                                          uint64(p.tick.Number),
		"SELECT count() FROM map_versions":                                     uint64(p.version.Number),
		"SELECT toUInt64((SELECT count() FROM map_changes) - (SELECT sum(changes) FROM map_versions))": 0,
	} {
		if got := scan[uint64](p.t, s, query); got != want {
			p.t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	p.sameMaps(s, slices.Collect(maps.Keys(p.maps))...)
}

// sameMaps compares versions as ClickHouse puts them together with what was published; others must not be there.
func (p *pipeline) sameMaps(s *Store, versions ...int64) {
	p.t.Helper()
	for version, m := range p.maps {
		got, err := s.entries(p.t.Context(), uint64(version), m.Paths)
		if err != nil {
			p.t.Fatal(err)
		}
		want := m.Entries
		if !slices.Contains(versions, version) {
			want = nil
		}
		if !slices.Equal(got, want) {
			p.t.Errorf("version %d: %d entries, want %d", version, len(got), len(want))
		}
	}
}
