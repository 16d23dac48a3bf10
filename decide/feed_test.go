package decide

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

const minute = int64(60_000)

// firstPane of every feed.
const firstPane = 1000 * minute

func testGenesis(partitions, paths int) control.Genesis {
	g := control.DefaultGenesis()
	g.Samples, g.Reports, g.ClientKey = partitions, "reports", "test"
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}}
	for i := 1; i < paths; i++ {
		g.Paths = append(g.Paths, control.Path{ID: fmt.Sprintf("proxy%d", i), Kind: control.Proxy})
	}
	return g
}

// feed is what a machine reads: the records of every windows partition, and control records, each of which is there from
// a certain tick on.
type feed struct {
	genesis control.Genesis
	windows [][]schemas.Record
	control []schemas.Record
	hash    string                        // of genesis
	from    []int64                       // by control record: the tick before which it appears
	written map[*Machine][]schemas.Record // to the decisions topic, behind the machine's attempt
}

func newFeed(t failer, g control.Genesis, p control.Policy) *feed {
	f := &feed{genesis: g, hash: g.Hash(), windows: make([][]schemas.Record, g.Samples), written: make(map[*Machine][]schemas.Record)}
	f.say(t, 0, control.Record{Genesis: &g})
	f.say(t, 0, control.Record{Policy: &p})
	return f
}

func (f *feed) say(t failer, tick int64, r control.Record) {
	rec, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	f.sayRaw(tick, rec.Value)
}

func (f *feed) sayRaw(tick int64, value []byte) {
	f.control = append(f.control, schemas.Record{
		Partition: schemas.Partition{Topic: schemas.Control}, Offset: int64(len(f.control)), Value: value,
	})
	f.from = append(f.from, tick)
}

// pane adds one pane of one partition, in chunks of at most size rows, written as attempt.
func (f *feed) pane(t failer, partition int, start int64, windows []window.Window, size int, attempt int64) {
	count := max(1, (len(windows)+size-1)/size)
	for i := range count {
		b := window.Batch{
			Head: window.Head{
				Genesis: f.hash, Partition: int32(partition),
				Chunk: chunk.Place{Whole: start, Attempt: attempt, Index: i, Count: count},
			},
			Windows: windows[i*size : min(len(windows), (i+1)*size)],
		}
		if i == count-1 {
			b.Head.Seal = &window.Seal{Digest: window.Digest(start, windows), Through: start}
		}
		value, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		f.raw(partition, value)
	}
}

// sealed adds a pane of one chunk with a digest that need not be its own.
func (f *feed) sealed(t failer, partition int, start int64, windows []window.Window, digest string) {
	f.put(t, partition, &window.Batch{
		Head: window.Head{
			Genesis: f.hash, Partition: int32(partition), Chunk: chunk.Place{Whole: start, Count: 1},
			Seal: &window.Seal{Digest: digest, Through: start},
		},
		Windows: windows,
	})
}

// part adds, to partition 0, an empty pane that says it is another partition's.
func (f *feed) part(t failer, claimed int32, start int64) {
	f.put(t, 0, &window.Batch{Head: window.Head{
		Genesis: f.hash, Partition: claimed, Chunk: chunk.Place{Whole: start, Count: 1},
		Seal: &window.Seal{Digest: window.Digest(start, nil), Through: start},
	}})
}

func (f *feed) put(t failer, partition int, b *window.Batch) {
	value, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	f.raw(partition, value)
}

func (f *feed) raw(partition int, value []byte) {
	f.windows[partition] = append(f.windows[partition], schemas.Record{
		Partition: schemas.Partition{Topic: schemas.Windows, Number: int32(partition)},
		Offset:    int64(len(f.windows[partition])), Value: value,
	})
}

// run feeds m, in reads of random length when r is given, until it waits for what will never come or wrote the tick
// last. It returns all records that m caused.
func (f *feed) run(m *Machine, r *rand.Rand, last int64) ([]schemas.Record, error) {
	var out []schemas.Record
	for m.last.Number < last {
		in := m.Next()
		rest := f.rest(m, in)
		if in.Wait && len(rest) == 0 {
			break
		}
		if r != nil && len(rest) > 0 {
			rest = rest[:1+r.IntN(min(len(rest), 12))]
			if in.Wait && r.IntN(4) == 0 { // a read that found nothing in time
				rest = nil
			}
		}
		more, err := m.Apply(rest, in.Offset+int64(len(rest)))
		if err != nil {
			return out, err
		}
		out = append(out, more...)
		for _, rec := range onlyDecisions(more) {
			rec.Offset = m.attempt + int64(len(f.written[m]))
			f.written[m] = append(f.written[m], rec)
		}
	}
	return out, nil
}

// rest returns what there is to read.
func (f *feed) rest(m *Machine, in schemas.Input) (rest []schemas.Record) {
	var all []schemas.Record
	offset := in.Offset
	switch in.Partition.Topic {
	case schemas.Control:
		for i := in.Offset; i < int64(len(f.control)) && f.from[i] <= m.last.Number; i++ {
			rest = append(rest, f.control[i])
		}
		return rest
	case schemas.Decisions:
		all, offset = f.written[m], in.Offset-m.attempt
	default:
		all = f.windows[in.Partition.Number]
	}
	if offset < int64(len(all)) {
		return all[offset:]
	}
	return nil
}

// ticks puts the ticks together again from what a machine wrote, and checks their chain.
func ticks(t failer, out []schemas.Record) (wholes []*decision.Whole) {
	var a decision.Assembler
	for i := range out {
		if out[i].Partition.Topic != schemas.Decisions {
			continue
		}
		b, err := decision.Decode(out[i].Value)
		if err != nil {
			t.Fatal(err)
		}
		w, err := a.Add(b)
		if err != nil {
			t.Fatal(err)
		}
		if w == nil {
			continue
		}
		if n := len(wholes); n > 0 && (w.Tick.Previous != wholes[n-1].Tick.Digest || w.Tick.Number != wholes[n-1].Tick.Number+1) {
			t.Fatalf("tick %d does not extend the one before", w.Tick.Number)
		}
		a.Skip(w.Pane)
		wholes = append(wholes, w)
	}
	return wholes
}

func address(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}

// seen is what one population saw of one path and class in a pane, in few numbers.
type seen struct {
	cell        window.Cell
	path        uint8
	class       sample.Class
	runs, pulse int    // pulses a run
	failed      int    // of the pulses
	gateways    int    // of those that failed: by the edge's answer
	micros      uint32 // on the default path
	bins        []int16
}

// windowOf returns the window of it: ratios cycle through bins.
func (s *seen) windowOf(resolver netip.Addr) window.Window {
	w := window.Window{
		Resolver: resolver, Country: s.cell.Country, ASN: s.cell.ASN, Path: s.path, Class: s.class, Runs: uint32(s.runs),
	}
	if s.cell.Other {
		w.Other = 1
	}
	failed := min(s.failed, s.runs*s.pulse)
	w.GatewayErrors = uint32(min(s.gateways, failed))
	w.Unreachable = uint32(failed) - w.GatewayErrors
	w.OK = uint32(s.runs*s.pulse - failed)
	micros := s.micros
	if micros == 0 {
		micros = 100_000
	}
	if w.OK > 0 {
		w.Latency.Add(window.LatencyBin(micros), w.OK)
		if s.path != 0 && len(s.bins) > 0 {
			counts := make(map[int16]uint32)
			for i := range w.OK {
				counts[s.bins[int(i)%len(s.bins)]]++
			}
			for bin := int16(-window.MaxRatioBin); bin <= window.MaxRatioBin; bin++ {
				if n := counts[bin]; n > 0 {
					w.Ratio.Add(bin, n)
				}
			}
			w.Pairs, w.PairRuns = w.OK, min(uint32(s.runs), w.OK)
		}
	}
	return w
}

// failer is a *testing.T, a *testing.B or a *rapid.T.
type failer interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}
