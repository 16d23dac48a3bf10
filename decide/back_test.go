package decide

import (
	"errors"
	"strings"
	"testing"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// waits returns a machine that has just made its first tick, and that tick's record.
func waits(t *testing.T) (*Machine, schemas.Record) {
	t.Helper()
	f := newFeed(t, testGenesis(1, 2), control.DefaultPolicy())
	s := seen{runs: 1, pulse: 1}
	f.pane(t, 0, firstPane, []window.Window{s.windowOf(address(1))}, 1, 0)
	f.pane(t, 0, firstPane+minute, nil, 1, 0)
	m := New(f.genesis, 5)
	out, err := f.run(m, nil, 1)
	if err != nil || len(out) != 1 {
		t.Fatal(len(out), err)
	}
	return m, out[0]
}

// another returns the tick as another machine would have written it.
func another(t *testing.T, r schemas.Record, change func(*decision.Batch)) schemas.Record {
	t.Helper()
	b, err := decision.Decode(r.Value)
	if err != nil {
		t.Fatal(err)
	}
	b.Head.Chunk.Attempt = 77
	change(b)
	tick := b.Head.Tick
	tick.Digest = decision.Digest(tick.Previous, b.Head.Chunk.Whole, tick.Policy, b.Decisions)
	if r.Value, err = b.Encode(); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestATickCountsOnceItWasReadBack(t *testing.T) {
	same := func(*decision.Batch) {}
	other := func(b *decision.Batch) { b.Decisions[0].Runs++ }
	elsewhere := func(b *decision.Batch) { b.Decisions[0].Runs++; b.Head.Tick.Positions.Control++ }
	lossy := func(b *decision.Batch) { b.Decisions[0].Runs++; b.Head.Tick.Totals.Incomplete = true }
	foreign := func(b *decision.Batch) { b.Head.Genesis = "other" }
	nowhere := func(b *decision.Batch) { b.Decisions[0].Path = 9 }
	var next func(*decision.Batch)
	for name, c := range map[string]struct {
		before, behind []func(*decision.Batch) // what stands before and behind the machine's own tick
		want           string
	}{
		"its own":                     {nil, nil, ""},
		"an equal one came first":     {[]func(*decision.Batch){same}, nil, ""},
		"another one came later":      {nil, []func(*decision.Batch){other}, ""},
		"of another genesis":          {[]func(*decision.Batch){foreign}, nil, ""},
		"over a path that is not":     {[]func(*decision.Batch){nowhere}, nil, ""},
		"another one came first":      {[]func(*decision.Batch){other}, nil, "the two programs decide differently"},
		"by another policy":           {[]func(*decision.Batch){elsewhere}, nil, "it had read control to 3, this machine to 2"},
		"by one that had lost some":   {[]func(*decision.Batch){lossy}, nil, "one of the two had lost windows"},
		"the log goes on":             {nil, []func(*decision.Batch){next}, "the log holds tick 2 behind tick 1"},
		"the log went on from equals": {[]func(*decision.Batch){same, next}, nil, "the log holds tick 2 behind tick 1"},
	} {
		t.Run(name, func(t *testing.T) {
			m, own := waits(t)
			follow := func(b *decision.Batch) {
				b.Head.Tick.Previous, b.Head.Tick.Number = m.last.Digest, 2
				b.Head.Chunk.Whole += minute
			}
			var log []schemas.Record
			add := func(changes []func(*decision.Batch)) {
				for _, change := range changes {
					if change == nil {
						change = follow
					}
					log = append(log, another(t, own, change))
				}
			}
			add(c.before)
			log = append(log, own)
			add(c.behind)
			if got := readAll(t, m, log); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("error is %q, want %q", got, c.want)
			}
		})
	}
}

// readAll lets m read the decisions topic a record at a time, and returns the error that this ends with: "" if m goes on
// with its windows.
func readAll(t *testing.T, m *Machine, log []schemas.Record) string {
	t.Helper()
	for range 2*len(log) + 2 {
		in := m.Next()
		if in.Partition.Topic != schemas.Decisions {
			return ""
		}
		var rest []schemas.Record
		if i := in.Offset - 5; i < int64(len(log)) {
			rest = log[i : i+1]
			rest[0].Offset = in.Offset
		}
		out, err := m.Apply(rest, in.Offset+int64(len(rest)))
		if err != nil {
			if !errors.Is(err, schemas.ErrSuperseded) {
				t.Errorf("the machine is not made anew: %v", err)
			}
			return err.Error()
		}
		if len(out) > 0 {
			t.Fatalf("%d records before the tick was read back", len(out))
		}
	}
	return "no end"
}

func TestABrokenTickIsDecidedAgain(t *testing.T) {
	m, own := waits(t)
	own.Value = own.Value[:20]
	if got := readAll(t, m, []schemas.Record{own}); !strings.Contains(got, "1 records before offset 6 are broken") {
		t.Errorf("error is %q", got)
	}
	m, _ = waits(t)
	if got := readAll(t, m, nil); got != "no end" || m.Next().Partition.Topic != schemas.Decisions {
		t.Errorf("a tick that did not come yet: %q", got)
	}
}
