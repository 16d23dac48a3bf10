package aggregate

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
	"detour/schemas/arrowio"
	"detour/schemas/control"
	"detour/schemas/reject"
	"detour/schemas/sample"
	"detour/schemas/window"
)

func testGenesis() *control.Genesis {
	g := control.DefaultGenesis()
	g.Reports = "reports"
	g.MaxCells = 2
	g.RunsPerClient = 2
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}}
	return &g
}

func scratch() *Machine { return New(testGenesis(), 0, FromScratch(0, 0)) }

// record encodes a batch as the samples record at offset.
func record(t fataler, offset int64, h sample.Head, samples ...sample.Sample) schemas.Record {
	h.Genesis = testGenesis().Hash()
	b := sample.Batch{Head: h, Samples: samples}
	value, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return schemas.Record{Partition: schemas.Partition{Topic: schemas.Samples}, Offset: offset, Value: value}
}

type fataler interface{ Fatal(...any) }

// panes puts the panes in a machine's output together.
func panes(t fataler, records []schemas.Record) (all []*window.Pane) {
	var a window.Assembler
	for _, r := range records {
		if r.Partition.Topic != schemas.Windows {
			continue
		}
		b, err := window.Decode(r.Value)
		if err != nil {
			t.Fatal(err)
		}
		p, err := a.Add(b)
		if err != nil {
			t.Fatal(err)
		}
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}

func apply(t fataler, m *Machine, records ...schemas.Record) []schemas.Record {
	next := m.next
	if len(records) > 0 {
		next = records[len(records)-1].Offset + 1
	}
	out, err := m.Apply(records, next)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var resolver = netip.MustParseAddr("192.0.2.1")

func at(ms, offset int64) sample.Sample {
	return sample.Sample{
		Time: ms, Offset: offset, Resolver: resolver, Path: 1, Class: sample.New, Client: uint64(offset) + 1,
		Duration: 20_000, Ratio: 100, Paired: true,
	}
}

func TestAPaneIsSealedWhenEverySourceHasPassedIt(t *testing.T) {
	m := scratch()
	out := apply(t, m, record(t, 0, sample.Head{Source: 0, Sources: 2, To: 1, Origin: 60_000, Mark: 500_000}, at(60_000, 0)))
	if len(out) != 0 {
		t.Fatal("sealed before source 1 was heard")
	}
	out = apply(t, m, record(t, 1, sample.Head{Source: 1, Sources: 2, To: 1, Origin: 70_000, Mark: 129_999}, at(70_000, 0)))
	sealed := panes(t, out)
	if len(sealed) != 1 || sealed[0].Start != 0 { // origin less lateness is in pane 0
		t.Fatalf("sealed %v", sealed)
	}
	out = apply(t, m, record(t, 2, sample.Head{Source: 1, Sources: 2, From: 1, To: 2, Origin: 70_000, Mark: 130_000}))
	sealed = panes(t, out)
	if len(sealed) != 1 || sealed[0].Start != 60_000 || sealed[0].Windows[0].OK != 2 || sealed[0].Windows[0].Runs != 2 {
		t.Fatalf("sealed %+v", sealed)
	}
	if r := sealed[0].Seal.Resume; r.Offset != 3 || r.Through != 60_000 || r.Sources[1].Mark != 130_000 {
		t.Errorf("resume %+v", r)
	}
}

func TestUndecodableSamplesAreRejectedAndPassed(t *testing.T) {
	broken := schemas.Record{Partition: schemas.Partition{Topic: schemas.Samples}, Offset: 4, Value: []byte("nonsense")}
	m := scratch()
	out := apply(t, m, broken)
	if len(out) != 1 || m.Next().Offset != 5 {
		t.Fatalf("%d records, next %d", len(out), m.Next().Offset)
	}
	if r, err := reject.Decode(&out[0]); err != nil || r.Reason != reject.Undecodable || r.At != "samples/0@4" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSamplesOfAnotherGenesisAreAnError(t *testing.T) {
	b := sample.Batch{Head: sample.Head{Genesis: "other", Sources: 1}}
	value, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scratch().Apply([]schemas.Record{{Value: value}}, 1); err == nil {
		t.Error("taken")
	}
}

func TestALargePaneIsChunked(t *testing.T) {
	var samples []sample.Sample
	for i := range 12_000 {
		s := at(60_000, int64(i))
		s.Resolver = netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		samples = append(samples, s)
	}
	out := apply(t, scratch(), record(t, 0, sample.Head{Sources: 1, To: 12_000, Origin: 70_000, Mark: 130_000}, samples...))
	sealed := panes(t, out)
	if len(sealed) != 1 || len(sealed[0].Windows) != 12_000 || len(out) < 3 {
		t.Fatalf("%d panes in %d records", len(sealed), len(out))
	}
	for _, r := range out {
		if len(r.Value) > 900<<10 {
			t.Errorf("a record of %d bytes", len(r.Value))
		}
	}
}

// world is a drawn log: reports of two sources in order, as samples of one partition.
type world struct {
	rows  [][]sample.Sample // by source
	marks [][]int64         // by source and offset: the mark after it
}

func genWorld(t *rapid.T, sources int) (w world) {
	w.rows, w.marks = make([][]sample.Sample, sources), make([][]int64, sources)
	for src := range w.rows {
		mark := rapid.Int64Range(100_000, 130_000).Draw(t, "origin")
		for offset := range rapid.IntRange(1, 30).Draw(t, "reports") {
			if offset > 0 {
				mark += rapid.Int64Range(0, 30_000).Draw(t, "step")
			}
			w.marks[src] = append(w.marks[src], mark)
			client := rapid.Uint64Range(0, 3).Draw(t, "client")
			for ordinal := range rapid.IntRange(0, 4).Draw(t, "rows") {
				s := at(mark-rapid.Int64Range(0, 10_000).Draw(t, "late"), int64(offset))
				s.Ordinal = int32(ordinal)
				s.Client = client
				s.ASN = rapid.Uint32Range(1, 4).Draw(t, "asn")
				s.Resolver = netip.AddrFrom4([4]byte{192, 0, 2, rapid.Byte().Draw(t, "resolver") % 3})
				s.Path, s.Class = rapid.Byte().Draw(t, "path")%2, sample.Class(rapid.Byte().Draw(t, "class")%3)
				if s.Outcome = sample.Outcome(rapid.Byte().Draw(t, "outcome") % 4); s.Outcome != sample.OK {
					s.Duration, s.Paired, s.Ratio = 0, false, 0
				}
				w.rows[src] = append(w.rows[src], s)
			}
		}
	}
	return w
}

// log cuts the sources into batches, interleaves them and repeats some, as restarts of ingest do.
func (w *world) log(t *rapid.T) (records []schemas.Record) {
	var from, to [2]int
	add := func(src int) {
		var rows []sample.Sample
		for _, s := range w.rows[src] {
			if int(s.Offset) >= from[src] && int(s.Offset) < to[src] {
				rows = append(rows, s)
			}
		}
		records = append(records, record(t, int64(len(records)), sample.Head{
			Source: int32(src), Sources: 2, From: int64(from[src]), To: int64(to[src]),
			Origin: w.marks[src][0], Mark: w.marks[src][to[src]-1],
		}, rows...))
	}
	for from[0] < len(w.marks[0]) || from[1] < len(w.marks[1]) {
		src := rapid.IntRange(0, 1).Draw(t, "source")
		if from[src] == len(w.marks[src]) {
			src = 1 - src
		}
		to[src] = min(from[src]+rapid.IntRange(1, 6).Draw(t, "batch"), len(w.marks[src]))
		add(src)
		if rapid.IntRange(0, 3).Draw(t, "repeat") == 0 {
			from[src] = rapid.IntRange(0, from[src]).Draw(t, "again from")
			add(src)
		}
		from[src] = to[src]
	}
	for src := range from { // both sources end late enough for all panes
		records = append(records, record(t, int64(len(records)), sample.Head{
			Source: int32(src), Sources: 2, From: int64(to[src]), To: int64(to[src] + 1), Origin: w.marks[src][0], Mark: 1_300_000,
		}))
	}
	return records
}

// contents is what panes mean: everything but the state to resume from.
func contents(t fataler, out []schemas.Record) map[int64]string {
	m := make(map[int64]string)
	for _, p := range panes(t, out) {
		m[p.Start] = fmt.Sprintf("%s %+v", p.Seal.Digest, p.Seal.Totals)
	}
	return m
}

func TestPanesAreAFunctionOfTheReports(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t, 2)
		a := apply(t, scratch(), w.log(t)...)
		b := apply(t, scratch(), w.log(t)...)
		if got, want := contents(t, b), contents(t, a); !reflect.DeepEqual(got, want) {
			t.Fatalf("two logs of the same reports give\n%v\n%v", got, want)
		}
	})
}

// TestWindowsAgreeWithAPlainCount recounts every pane the slow way.
func TestWindowsAgreeWithAPlainCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := genWorld(t, 2)
		g := testGenesis()
		for _, p := range panes(t, apply(t, scratch(), w.log(t)...)) {
			rows := plainPane(&w, g, p.Start)
			if int(p.Seal.Totals.Counted) != len(rows) {
				t.Fatalf("pane %d counts %d rows, want %d", p.Start, p.Seal.Totals.Counted, len(rows))
			}
			for i := range p.Windows {
				comparePlain(t, &p.Windows[i], rows)
			}
			var total uint32
			for i := range p.Windows {
				total += p.Windows[i].Samples()
			}
			if int(total) != len(rows) {
				t.Fatalf("windows of pane %d hold %d of %d rows", p.Start, total, len(rows))
			}
		}
	})
}

type plainRow struct {
	source int
	cell   window.Cell
	sample.Sample
}

// plainPane returns the rows of a pane that count, with their cells.
func plainPane(w *world, g *control.Genesis, start int64) (rows []plainRow) {
	runsOf := make(map[uint64][]run)
	for src := range w.rows {
		for _, s := range w.rows[src] {
			if g.PaneOf(s.Time) == start {
				rows = append(rows, plainRow{src, window.Cell{Country: s.Country, ASN: s.ASN}, s})
				r := runOf(&row{source: int32(src), Sample: s})
				if !slices.Contains(runsOf[s.Client], r) {
					runsOf[s.Client] = append(runsOf[s.Client], r)
				}
			}
		}
	}
	rows = slices.DeleteFunc(rows, func(r plainRow) bool {
		runs := runsOf[r.Client]
		slices.SortFunc(runs, func(a, b run) int { return cmp.Compare(a.hash, b.hash) })
		return r.Client != 0 && slices.Index(runs, runOf(&row{source: int32(r.source), Sample: r.Sample})) >= g.RunsPerClient
	})
	for i := range rows {
		larger := map[window.Cell]bool{}
		for j := range rows {
			if rows[j].Resolver == rows[i].Resolver && ahead(rows, j, i) {
				larger[window.Cell{ASN: rows[j].ASN}] = true
			}
		}
		if len(larger) >= g.MaxCells {
			rows[i].cell = window.Cell{Other: true}
		}
	}
	return rows
}

// ahead reports whether row j's cell is taken before row i's.
func ahead(rows []plainRow, j, i int) bool {
	size := func(k int) (n int) {
		for _, r := range rows {
			if r.Resolver == rows[k].Resolver && r.ASN == rows[k].ASN {
				n++
			}
		}
		return n
	}
	return cmp.Or(cmp.Compare(size(j), size(i)), cmp.Compare(rows[i].ASN, rows[j].ASN)) > 0
}

func comparePlain(t *rapid.T, w *window.Window, rows []plainRow) {
	var ok, failures, pairs uint32
	runs, clients := map[[3]int64]bool{}, map[uint64]bool{}
	var durations []uint32
	for _, r := range rows {
		if r.Resolver != w.Resolver || r.cell != w.Cell() || r.Path != w.Path || r.Class != w.Class {
			continue
		}
		runs[[3]int64{int64(r.source), r.Offset, int64(r.Run)}] = true
		clients[r.Client] = true
		if r.Outcome == sample.OK {
			ok++
			durations = append(durations, r.Duration)
		}
		if r.Outcome >= sample.GatewayError {
			failures++
		}
		if r.Paired {
			pairs++
		}
	}
	if w.OK != ok || w.Failures() != failures || w.Pairs != pairs || int(w.Runs) != len(runs) || int(w.Clients) != len(clients) {
		t.Fatalf("window %+v, want ok %d failures %d pairs %d runs %d clients %d", w, ok, failures, pairs, len(runs), len(clients))
	}
	if len(durations) > 0 {
		slices.Sort(durations)
		if exact := durations[(len(durations)+1)/2-1]; w.P50 < exact-exact/128 || w.P50 > exact+exact/128 {
			t.Fatalf("p50 %d, want %d", w.P50, exact)
		}
	}
}

func FuzzApply(f *testing.F) {
	b := sample.Batch{Head: sample.Head{Genesis: testGenesis().Hash(), Sources: 1, To: 1, Mark: 200_000}, Samples: []sample.Sample{at(60_000, 0)}}
	value, err := b.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value[:len(value)-4]) // without its checksum
	f.Fuzz(func(t *testing.T, stream []byte) {
		m := scratch()
		value := arrowio.Seal(slices.Clone(stream))
		out, err := m.Apply([]schemas.Record{{Partition: m.input, Value: value}}, 1)
		if err == nil {
			panes(t, out)
		}
	})
}

func BenchmarkPane(b *testing.B) {
	var samples []sample.Sample
	for i := range 100_000 {
		s := at(60_000, int64(i))
		s.Resolver = netip.AddrFrom4([4]byte{10, 0, byte(i >> 10), byte(i >> 2)})
		s.Duration = uint32(10_000 + i*7919%90_000)
		samples = append(samples, s)
	}
	in := record(b, 0, sample.Head{Sources: 1, To: 100_000, Origin: 70_000, Mark: 200_000}, samples...)
	b.ReportAllocs()
	for b.Loop() {
		apply(b, scratch(), in)
	}
	b.ReportMetric(float64(len(samples)*b.N)/b.Elapsed().Seconds(), "samples/s")
}
