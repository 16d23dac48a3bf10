package worker

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"

	"github.com/rs/zerolog"

	"detour/decide"
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
	first  = 98 * minute // pane: the seventh from here on is the last of its epoch
	panes  = 12
)

// failer is a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func genesis() control.Genesis {
	g := control.DefaultGenesis()
	g.Samples = 2
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}}
	return g
}

// policy has small numbers: a snapshot every four ticks, evidence of one epoch.
func policy() control.Policy {
	p := control.DefaultPolicy()
	p.Window, p.Reachability.Window, p.Publish.Snapshot, p.Hold = 1, 1, 4, 2
	return p
}

func put(t failer, log *memlog.Log, r schemas.Record, err error) {
	t.Helper()
	if err == nil {
		_, err = log.Append(context.Background(), r.Partition, []schemas.Record{r})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// begun returns a log with control.
func begun(t failer) *memlog.Log {
	log, g, p := memlog.All(2), genesis(), policy()
	r, err := (&control.Record{Genesis: &g}).Encode()
	put(t, log, r, err)
	r, err = (&control.Record{Policy: &p}).Encode()
	put(t, log, r, err)
	return log
}

// say appends a policy that differs from the first one.
func say(t failer, log *memlog.Log) string {
	p := policy()
	p.Latency.MinRuns, p.Latency.ConfidencePPM = 2, 700_000
	r, err := (&control.Record{Policy: &p}).Encode()
	put(t, log, r, err)
	return p.Hash()
}

// fill appends panes [from, to) of both windows partitions: the same ones for a seed.
func fill(t failer, log *memlog.Log, seed uint64, from, to int64) {
	g := genesis()
	hash := g.Hash()
	for i := from; i < to; i++ {
		for part := range int32(2) {
			b := window.Batch{Windows: windows(rand.New(rand.NewPCG(seed, uint64(i)<<8|uint64(part))), part)}
			start := first + i*minute
			b.Head = window.Head{
				Genesis: hash, Partition: part, Chunk: chunk.Place{Whole: start, Count: 1},
				Seal: &window.Seal{Digest: window.Digest(start, b.Windows)},
			}
			value, err := b.Encode()
			put(t, log, schemas.Record{Partition: schemas.Partition{Topic: schemas.Windows, Number: part}, Value: value}, err)
		}
	}
}

// filled returns a log with control and windows of a few resolvers over some panes.
func filled(t failer, seed uint64) *memlog.Log {
	log := begun(t)
	fill(t, log, seed, 0, panes)
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

// resumed returns the machine as the log leaves it. Two rows a record, so that most ticks have several.
func resumed(t failer, log dataflow.Log) *decide.Machine {
	t.Helper()
	m, err := Resume(context.Background(), log, genesis(), decide.Config{ChunkRows: 2}, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// step lets a machine read, at most so many records when r is given, and apply. It returns what that caused; stuck tells
// that there was nothing to read where the machine waits.
func step(log dataflow.Log, m *decide.Machine, r *rand.Rand) (out []schemas.Record, stuck bool, err error) {
	ctx := context.Background()
	in := m.Next()
	f := dataflow.Fetched{Next: in.Offset}
	_, end, err := log.Bounds(ctx, in.Partition)
	if err != nil {
		return nil, false, err
	}
	if end > in.Offset {
		if f, err = log.Fetch(ctx, in.Partition, in.Offset); err != nil {
			return nil, false, err
		}
	}
	if n := len(f.Records); n > 1 && r != nil {
		f.Records = f.Records[:1+r.IntN(n)]
		f.Next = f.Records[len(f.Records)-1].Offset + 1
	}
	out, err = m.Apply(f.Records, f.Next)
	return out, in.Wait && f.Next == in.Offset, err
}

// write appends a record that a machine caused.
func write(t failer, log dataflow.Log, r schemas.Record) {
	t.Helper()
	if _, err := log.Append(context.Background(), r.Partition, []schemas.Record{r}); err != nil {
		t.Fatal(err)
	}
}

// live runs the stage, life after life where a machine gives up, until there is nothing left to read. It returns the
// rejects.
func live(t failer, log dataflow.Log) (rejects []schemas.Record) {
	t.Helper()
	m := resumed(t, log)
	for range 10_000 {
		out, stuck, err := step(log, m, nil)
		switch {
		case errors.Is(err, schemas.ErrSuperseded):
			m = resumed(t, log)
			continue
		case err != nil:
			t.Fatal(err)
		case stuck:
			return rejects
		}
		for _, r := range out {
			write(t, log, r)
			if r.Partition.Topic == schemas.Rejects {
				rejects = append(rejects, r)
			}
		}
	}
	t.Fatal("the stage does not come to an end")
	return nil
}

// records returns all of a partition.
func records(t failer, log dataflow.Log, p schemas.Partition) []schemas.Record {
	t.Helper()
	start, end, err := log.Bounds(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	all, err := dataflow.Range(context.Background(), log, p, start, end)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// reader keeps the ticks of the decisions topic as every reader does.
type reader struct {
	chain decision.Chain
	next  int64
	kept  []*decision.Whole
}

// read goes on to the end of the topic.
func (k *reader) read(t failer, log dataflow.Log) []*decision.Whole {
	t.Helper()
	g := genesis()
	hash := g.Hash()
	for _, r := range records(t, log, decisions) {
		if r.Offset < k.next {
			continue
		}
		k.next = r.Offset + 1
		b, err := decision.Decode(r.Value)
		if err != nil || b.Head.Genesis != hash {
			continue
		}
		if w, _, _ := k.chain.Add(b); w != nil {
			k.kept = append(k.kept, w)
		}
	}
	return k.kept
}

// written returns the chain of ticks that a reader from the beginning keeps.
func written(t failer, log dataflow.Log) []*decision.Whole {
	t.Helper()
	return new(reader).read(t, log)
}

// digests names ticks by what they mean.
func digests(wholes []*decision.Whole) (all []string) {
	for _, w := range wholes {
		all = append(all, w.Tick.Digest)
	}
	return all
}

// fatal reports whether no retry can mend an error.
func fatal(err error) bool {
	var f dataflow.Fatal
	return errors.As(err, &f)
}

// copied returns a log with the same records but for those that change changes; it drops none.
func copied(t failer, log *memlog.Log, change func(*schemas.Record)) *memlog.Log {
	t.Helper()
	other := memlog.All(2)
	all := []schemas.Partition{decisions, {Topic: schemas.Control}, {Topic: schemas.Windows}, {Topic: schemas.Windows, Number: 1}}
	for _, p := range all {
		for _, r := range records(t, log, p) {
			change(&r)
			put(t, other, r, nil)
		}
	}
	return other
}
