package worker

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"detour/internal/dataflow"
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
	panes  = 12
)

func genesis() control.Genesis {
	g := control.DefaultGenesis()
	g.Samples = 2
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}}
	return g
}

// filled returns a log with control and windows of a few resolvers over some panes.
func filled(t interface{ Fatal(...any) }, seed uint64) *memlog.Log {
	log, g := memlog.All(2), genesis()
	put := func(r schemas.Record, err error) {
		if err == nil {
			_, err = log.Append(context.Background(), r.Partition, []schemas.Record{r})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p := control.DefaultPolicy()
	p.Window, p.Publish.Snapshot, p.Hold = 5, 4, 2
	put((&control.Record{Genesis: &g}).Encode())
	put((&control.Record{Policy: &p}).Encode())
	r := rand.New(rand.NewPCG(seed, 0))
	for i := range int64(panes) {
		for part := range int32(2) {
			b := window.Batch{Windows: windows(r, part)}
			start := (100 + i) * minute
			b.Head = window.Head{
				Genesis: g.Hash(), Partition: part, Chunk: chunk.Place{Whole: start, Count: 1},
				Seal: &window.Seal{Digest: window.Digest(start, b.Windows)},
			}
			value, err := b.Encode()
			put(schemas.Record{Partition: schemas.Partition{Topic: schemas.Windows, Number: part}, Value: value}, err)
		}
	}
	return log
}

func windows(r *rand.Rand, part int32) (ws []window.Window) {
	for i := range byte(4) {
		if r.IntN(3) == 0 {
			continue
		}
		for path := range uint8(2) {
			for class := sample.New; class < sample.Classes; class++ {
				w := window.Window{Resolver: netip.AddrFrom4([4]byte{10, 0, byte(part), i}), Path: path, Class: class, OK: 3, Runs: 3}
				w.Latency.Add(window.LatencyBin(90_000), 3)
				if path == 1 {
					w.Pairs, w.PairRuns = 3, 3
					w.Ratio.Add(int16(r.IntN(9)-6), 3)
				}
				ws = append(ws, w)
			}
		}
	}
	return ws
}

// live is one life of the stage: it resumes and goes on for some steps, the last of which may leave a part of its output
// unwritten. It reports whether there is nothing left to read.
func live(t interface{ Fatal(...any) }, log dataflow.Log, r *rand.Rand, steps int) bool {
	ctx := context.Background()
	m, err := Resume(ctx, log, genesis())
	if err != nil {
		t.Fatal(err)
	}
	for i := range steps {
		in := m.Next()
		f := dataflow.Fetched{Next: in.Offset}
		_, end, err := log.Bounds(ctx, in.Partition)
		if err == nil && end > in.Offset {
			f, err = log.Fetch(ctx, in.Partition, in.Offset)
		} else if in.Wait {
			return true
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := len(f.Records); n > 1 {
			f.Records = f.Records[:1+r.IntN(n)]
			f.Next = f.Records[len(f.Records)-1].Offset + 1
		}
		out, err := m.Apply(f.Records, f.Next)
		if err != nil {
			t.Fatal(err)
		}
		if i == steps-1 {
			out = out[:r.IntN(len(out)+1)]
		}
		for _, rec := range out {
			if _, err := log.Append(ctx, rec.Partition, []schemas.Record{rec}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return false
}

// written returns the chain of ticks as a reader keeps it.
func written(t interface{ Fatal(...any) }, log dataflow.Log) (kept []decision.Whole) {
	_, end, _ := log.Bounds(context.Background(), decisions)
	records, err := dataflow.Range(context.Background(), log, decisions, 0, end)
	if err != nil {
		t.Fatal(err)
	}
	var a decision.Assembler
	for _, r := range records {
		b, err := decision.Decode(r.Value)
		if err != nil {
			continue
		}
		w, err := a.Add(b)
		if err != nil {
			t.Fatal(err)
		}
		if w != nil && (len(kept) == 0 || w.Tick.Previous == kept[len(kept)-1].Tick.Digest) {
			kept = append(kept, *w)
			a.Skip(w.Pane)
		}
	}
	return kept
}

func TestCrashesChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		calm := filled(t, seed)
		live(t, calm, rand.New(rand.NewPCG(0, 0)), 1000)
		want := written(t, calm)
		if len(want) != panes {
			t.Fatalf("%d ticks of %d panes", len(want), panes)
		}

		log := filled(t, seed)
		r := rand.New(rand.NewPCG(seed, 1))
		for !live(t, log, r, rapid.IntRange(3, 60).Draw(t, "steps")) {
			if r.IntN(3) == 0 {
				if _, err := log.Append(context.Background(), decisions, []schemas.Record{{Value: []byte("garbage")}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		got := written(t, log)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestRetentionLossIsFatal(t *testing.T) {
	r := rand.New(rand.NewPCG(0, 0))
	w0 := schemas.Partition{Topic: schemas.Windows}
	for name, lose := range map[string]func(*memlog.Log) error{
		"windows before the first tick": func(l *memlog.Log) error { return l.Trim(w0, 1) },
		"windows of the evidence": func(l *memlog.Log) error {
			live(t, l, r, 1000)
			return l.Trim(w0, panes-1)
		},
		"every snapshot": func(l *memlog.Log) error {
			live(t, l, r, 1000)
			return l.Trim(decisions, panes-1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			log := filled(t, 1)
			if err := lose(log); err != nil {
				t.Fatal(err)
			}
			_, err := Resume(context.Background(), log, genesis())
			var fatal dataflow.Fatal
			if !errors.As(err, &fatal) {
				t.Fatalf("error is %v", err)
			}
		})
	}
}

func TestAnotherGenesisIsFatal(t *testing.T) {
	log := filled(t, 1)
	live(t, log, rand.New(rand.NewPCG(0, 0)), 1000)
	g := genesis()
	g.Lateness++
	_, err := Resume(context.Background(), log, g)
	var fatal dataflow.Fatal
	if !errors.As(err, &fatal) {
		t.Fatalf("error is %v", err)
	}
}
