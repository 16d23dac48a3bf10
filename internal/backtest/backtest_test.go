package backtest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"

	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

const (
	minute = int64(60_000)
	first  = 1_767_571_200_000 // 2026-01-05 00:00 UTC
	panes  = 40
)

// recording is a log of windows, and of the decisions that were made of them under policies that changed in between.
type recording struct {
	log     *memlog.Log
	genesis control.Genesis
	windows [][]window.Window // by pane
	ticks   []*decision.Whole
}

func policyOf(runs int) control.Policy {
	p := control.DefaultPolicy()
	p.Window, p.Reachability.Window, p.Hold, p.Latency.MinRuns, p.Publish.Snapshot = 10, 5, 2, runs, 7
	return p
}

// record plays resolvers whose proxy is faster, slower or equal, in panes on two partitions. The policy changes in the
// middle; the decisions are the real decider's.
func record(t *testing.T) *recording {
	t.Helper()
	g := control.DefaultGenesis()
	g.Samples, g.Reports, g.ClientKey = 2, "reports", "test"
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}}
	r := &recording{log: memlog.All(2), genesis: g}
	early, late := policyOf(3), policyOf(5)
	r.say(t, control.Record{Genesis: &g}, control.Record{Policy: &early})
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range int64(panes) {
		pane := []window.Window(nil)
		for p := range int32(2) {
			windows := drawn(rng, p)
			r.pane(t, p, first+i*minute, windows)
			pane = append(pane, windows...)
		}
		r.windows = append(r.windows, pane)
		if i == panes/2 {
			r.say(t, control.Record{Policy: &late})
		}
	}
	r.decide(t)
	return r
}

// drawn returns a pane's windows of one partition.
func drawn(rng *rand.Rand, partition int32) (windows []window.Window) {
	for i := range byte(12) {
		if rng.IntN(3) == 0 {
			continue
		}
		for cell := range uint32(2) {
			for path := range uint8(2) {
				for _, class := range []sample.Class{sample.New, sample.Reused} {
					w := window.Window{
						Resolver: netip.AddrFrom4([4]byte{192, 0, byte(partition), i}), Country: 'D'<<8 | 'E', ASN: 64500 + cell,
						Path: path, Class: class, Runs: 1 + cell, OK: 2,
					}
					w.Latency.Add(window.LatencyBin(uint32(100_000*(1+rng.IntN(3)))), 2)
					if path == 1 {
						w.PairRuns, w.Pairs = 1+cell, 2
						w.Ratio.Add(int16(int(i)-9+rng.IntN(5)-2), 2)
					}
					windows = append(windows, w)
				}
			}
		}
	}
	return windows
}

func (r *recording) say(t *testing.T, records ...control.Record) {
	t.Helper()
	for _, c := range records {
		rec, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		r.append(t, schemas.Partition{Topic: schemas.Control}, rec.Value)
	}
}

func (r *recording) append(t *testing.T, p schemas.Partition, value []byte) {
	t.Helper()
	if _, err := r.log.Append(t.Context(), p, []schemas.Record{{Partition: p, Value: value}}); err != nil {
		t.Fatal(err)
	}
}

func (r *recording) pane(t *testing.T, partition int32, start int64, windows []window.Window) {
	t.Helper()
	b := window.Batch{
		Head: window.Head{
			Genesis: r.genesis.Hash(), Partition: partition, Chunk: chunk.Place{Whole: start, Count: 1},
			Seal: &window.Seal{Digest: window.Digest(start, windows), Through: start},
		},
		Windows: windows,
	}
	value, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	r.append(t, windowsPartition(int(partition)), value)
}

// decide writes the decisions topic: control holds its second policy from the middle on.
func (r *recording) decide(t *testing.T) {
	t.Helper()
	in, err := open(t.Context(), r.log, &r.genesis)
	if err != nil {
		t.Fatal(err)
	}
	s := in.side(in.recorded, func(pane int64) int64 {
		if pane < first+panes/2*minute {
			return 2
		}
		return 3
	}, true)
	for {
		w, err := s.tick(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if w == nil {
			return
		}
		r.ticks = append(r.ticks, w)
		for _, rec := range s.own[len(s.own)-1:] { // its ticks are of one chunk
			r.append(t, schemas.Partition{Topic: schemas.Decisions}, rec.Value)
		}
	}
}

func (r *recording) run(t *testing.T, p control.Policy, since int64) *Result {
	t.Helper()
	b := Backtest{Log: r.log, Genesis: r.genesis, Policy: p, Since: since}
	got, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// The decider under recorded control makes the recorded ticks again, changes of policy included.
func TestTheRecordedSideIsWhatWasRecorded(t *testing.T) {
	r := record(t)
	in, err := open(t.Context(), r.log, &r.genesis)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.ticks) != panes || r.ticks[panes/2-1].Tick.Policy == r.ticks[panes/2].Tick.Policy {
		t.Fatalf("%d ticks", len(r.ticks))
	}
	s := in.side(in.recorded, in.limit, true)
	for i, want := range r.ticks {
		got, err := s.tick(t.Context(), in)
		if err != nil || got == nil || got.Tick.Digest != want.Tick.Digest {
			t.Fatalf("tick %d: %+v, %v", i+1, got, err)
		}
	}
	if got, err := s.tick(t.Context(), in); got != nil || err != nil {
		t.Errorf("behind the end: %+v, %v", got, err)
	}
}

// dumb counts one decider's figures from its rows, one run and one resolver after the other.
type dumb struct {
	rows                   map[netip.Prefix]decision.Decision
	off, gain, moves       float64
	pairs, ratio, rerouted float64
}

// at returns the row that places a resolver.
func (d *dumb) at(resolver netip.Addr) decision.Decision {
	if row, own := d.rows[schemas.Subject(resolver, 0)]; own {
		return row
	}
	return d.rows[schemas.PrefixOf(resolver)]
}

func (r *recording) dumb(ticks []*decision.Whole) *dumb {
	d := &dumb{rows: map[netip.Prefix]decision.Decision{}}
	all := map[netip.Addr]bool{}
	for i, windows := range r.windows {
		for _, w := range windows {
			all[w.Resolver] = true
			now := d.at(w.Resolver)
			if w.Class == sample.New && w.Path == 0 { // each cell has one such window
				d.off += float64(w.Runs) * float64(now.Path)
				d.gain += float64(w.Runs) * float64(now.Path) * float64(now.Gain)
			}
			if w.Class == sample.New && w.Path == 1 && now.Path == 1 {
				d.pairs += 2
				d.ratio += 2 * float64(w.Ratio.Bins[0])
			}
		}
		before := map[netip.Addr]uint8{}
		for resolver := range all {
			before[resolver] = d.at(resolver).Path
		}
		for _, row := range ticks[i].Decisions {
			if d.rows[row.Subject()] = row; row.Gone == 1 {
				delete(d.rows, row.Subject())
			}
		}
		for resolver := range all {
			if d.at(resolver).Path != before[resolver] {
				d.moves++
			}
		}
	}
	for resolver := range all {
		d.rerouted += float64(d.at(resolver).Path)
	}
	return d
}

// ticksUnder returns what the decider decides under one policy alone.
func (r *recording) ticksUnder(t *testing.T, p *control.Policy) (ticks []*decision.Whole) {
	t.Helper()
	in, err := open(t.Context(), r.log, &r.genesis)
	if err != nil {
		t.Fatal(err)
	}
	records, err := in.under(p)
	if err != nil {
		t.Fatal(err)
	}
	s := in.side(records, func(int64) int64 { return 100 }, true)
	for {
		w, err := s.tick(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if w == nil {
			return ticks
		}
		ticks = append(ticks, w)
	}
}

func TestFiguresAreThoseOfADumbCount(t *testing.T) {
	r := record(t)
	other := policyOf(100_000)
	got := r.run(t, other, 0)
	before, after := r.dumb(r.ticks), r.dumb(r.ticksUnder(t, &other))
	near := func(name string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
			t.Errorf("%s is %v, counted %v", name, got, want)
		}
	}
	runs := 0.0
	for _, windows := range r.windows {
		for _, w := range windows {
			if w.Class == sample.New && w.Path == 0 {
				runs += float64(w.Runs)
			}
		}
	}
	near("runs", float64(got.Runs), runs)
	compare := func(s *Side, d *dumb) {
		t.Helper()
		near("off the default path", s.Off, d.off/runs)
		near("gain", s.GainMS, d.gain/runs/1000)
		near("moves", float64(s.Moves), d.moves)
		near("moves a day", s.MovesADay, d.moves*24*60/panes/24)
		near("rerouted", float64(s.Rerouted), d.rerouted)
		if d.pairs > 0 {
			near("faster", *s.FasterNew, 1-math.Exp2(d.ratio/d.pairs/8))
		} else if s.FasterNew != nil {
			t.Errorf("measured %v without pairs", *s.FasterNew)
		}
	}
	compare(&got.Before, before)
	compare(&got.After, after)
	apart := 0
	for partition := range byte(2) {
		for i := range byte(12) {
			if resolver := netip.AddrFrom4([4]byte{192, 0, partition, i}); before.at(resolver).Path != after.at(resolver).Path {
				apart++
			}
		}
	}
	if got.MovedResolvers != apart || apart == 0 || got.Moved == 0 || before.rerouted == 0 {
		t.Errorf("%d resolvers moved, counted %d", got.MovedResolvers, apart)
	}
	if len(got.Largest) != min(apart, maxLargest) || got.Resolvers != 24 || got.Panes != panes {
		t.Errorf("%+v", got)
	}
	if len(got.Countries) != 1 || got.Countries[0].Weight != 1 || len(got.Networks) != 2 || got.Networks[0].Name != "AS64501" {
		t.Errorf("groups %+v, %+v", got.Countries, got.Networks)
	}
	near("the larger network's weight", got.Networks[0].Weight, 2.0/3)
}

func TestTheSamePolicyMovesNobody(t *testing.T) {
	r := record(t)
	since := int64(first + (panes/2+12)*minute) // warmed up on panes of the second policy alone
	got := r.run(t, policyOf(5), since)
	if got.Moved != 0 || got.MovedResolvers != 0 || !reflect.DeepEqual(got.Before, got.After) || got.Recorded != got.New {
		t.Errorf("%+v", got)
	}
	if got.From != since || got.WarmUp != 10 || got.Partial || got.To != first+panes*minute || got.Before.Rerouted == 0 {
		t.Errorf("from %d, %d panes to warm up, partial %t", got.From, got.WarmUp, got.Partial)
	}
}

func TestALogThatRetentionCut(t *testing.T) {
	r := record(t)
	for p := range 2 {
		if err := r.log.Trim(windowsPartition(p), 8); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.log.Trim(schemas.Partition{Topic: schemas.Decisions}, 8); err != nil {
		t.Fatal(err)
	}
	if got := r.run(t, policyOf(4), 0); got.From != first+18*minute || got.WarmUp != 10 || got.Partial || got.Before.Rerouted == 0 {
		t.Errorf("%+v", got)
	}
	if got := r.run(t, policyOf(4), first+12*minute); got.From != first+12*minute || got.WarmUp != 4 || !got.Partial {
		t.Errorf("%+v", got)
	}
	if got := r.run(t, policyOf(4), first-100*minute); got.From != first+8*minute || got.WarmUp != 0 || !got.Partial {
		t.Errorf("%+v", got)
	}
	long := policyOf(4)
	long.Window = 100
	b := Backtest{Log: r.log, Genesis: r.genesis, Policy: long}
	if _, err := b.Run(t.Context()); !errors.Is(err, ErrNothing) || !strings.Contains(err.Error(), "a warm-up of 100 panes") {
		t.Error(err)
	}
	b = Backtest{Log: r.log, Genesis: r.genesis, Policy: policyOf(4), Since: first + 1000*minute}
	if _, err := b.Run(t.Context()); !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
	b = Backtest{Log: memlog.All(2), Genesis: r.genesis, Policy: policyOf(4)}
	if _, err := b.Run(t.Context()); !errors.Is(err, ErrNothing) {
		t.Error(err)
	}
}

func TestItStopsWithItsContext(t *testing.T) {
	r := record(t)
	ctx, stop := context.WithCancel(t.Context())
	b := Backtest{Log: r.log, Genesis: r.genesis, Policy: policyOf(4)}
	b.Progress = func(done, total int64) {
		if done > total {
			t.Errorf("%d of %d", done, total)
		}
		stop()
	}
	if _, err := b.Run(ctx); err != nil && !errors.Is(err, context.Canceled) { // all may have been read by then
		t.Error(err)
	}
}

var update = flag.Bool("update", false, "rewrite golden files")

func TestTheTableReadsLikeThis(t *testing.T) {
	share := func(x float64) *float64 { return &x }
	r := Result{
		From: first, To: first + 1440*minute, Panes: 1440, WarmUp: 60, Partial: true,
		Recorded: "9d98eedb5a90aa", New: "a73e8f9e6106bb", Resolvers: 9870, Runs: 1_234_567, Moved: 0.0512, MovedResolvers: 321, MovedWeight: 0.061,
		Before: Side{Figures: Figures{0.148, 11.42, 0.00031, share(0.474), share(-0.012)}, Rerouted: 412, Moves: 700, MovesADay: 0.071, MovedTwice: 31},
		After:  Side{Figures: Figures{0.101, 8.13, 0.000004, nil, nil}, Rerouted: 298, Moves: 400, MovesADay: 0.0405, MovedTwice: 12},
		Reasons: []Turn{
			{"faster", "uncertain", 300, 0.06}, {"damped", "faster", 21, 0.001},
		},
		Largest: []Move{
			{netip.MustParseAddr("192.0.2.53"), "proxy", "direct", "faster", "uncertain", 0.005, -21.3, 0},
			{netip.MustParseAddr("2001:db8::53"), "direct", "proxy", "damped", "faster", 0.0004, 41.3, 0.0071},
		},
	}
	for range maxGroups + 1 {
		r.Countries = append(r.Countries, Group{"DE", 0.133, 0.029, Figures{0.084, 3.02, 0.0003, nil, nil}, Figures{0.066, 2.31, 0, nil, nil}})
	}
	r.Networks = []Group{{named(""), 1, 0, Figures{}, Figures{}}}
	var text bytes.Buffer
	if err := r.Write(&text); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if len(line) > 121 {
			t.Errorf("%d columns: %s", len(line)-1, line)
		}
	}
	const file = "testdata/table.txt"
	if *update {
		if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(text.Bytes(), want) {
		t.Errorf("%v (go test -update rewrites it, if that is what was meant); got\n%s", err, text.Bytes())
	}
}
