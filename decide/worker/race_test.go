package worker

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/decide"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/decision"
)

// active is one of two members that both believe to be the active one.
type active struct {
	machine *decide.Machine
	queue   []schemas.Record // caused and not yet appended
	idle    bool             // waits for windows that are not there
}

// race runs two actives over one log, interleaved record by record, until both wait for windows. Now and then one dies.
func race(t failer, log *memlog.Log, r *rand.Rand, before func(step int)) (overtaken int) {
	t.Helper()
	var both [2]active
	for n := range 50_000 {
		before(n)
		a := &both[r.IntN(2)]
		switch {
		case a.machine == nil || r.IntN(100) == 0:
			*a = active{machine: resumed(t, log)}
		case len(a.queue) > 0:
			write(t, log, a.queue[0])
			a.queue = a.queue[1:]
		default:
			out, stuck, err := step(log, a.machine, r)
			if errors.Is(err, schemas.ErrSuperseded) {
				*a, out, stuck, err = active{}, nil, false, nil
				overtaken++
			}
			if err != nil {
				t.Fatal(err)
			}
			a.queue, a.idle = out, stuck && a.machine.Next().Partition.Topic == schemas.Windows
		}
		if both[0].idle && both[1].idle {
			return overtaken
		}
	}
	t.Fatal("the two do not come to an end")
	return 0
}

func TestTwoActivesWriteTheChainOfOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		calm, log := filled(t, seed), filled(t, seed)
		live(t, calm)
		race(t, log, rand.New(rand.NewPCG(seed, 1)), func(int) {})
		want, got := written(t, calm), written(t, log)
		if len(want) != panes || !slices.Equal(digests(got), digests(want)) {
			t.Fatalf("got  %v\nwant %v", digests(got), digests(want))
		}
		everyReaderAgrees(t, log)
	})
}

// A policy comes while two actives are at work: they read it before different ticks, and one gives up.
func TestTwoActivesAgreeWhereAPolicyTookEffect(t *testing.T) {
	var overtaken, middle int
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		log, when := filled(t, seed), rapid.IntRange(0, 300).Draw(t, "when")
		var other string
		overtaken += race(t, log, rand.New(rand.NewPCG(seed, 1)), func(step int) {
			if step == when {
				other = say(t, log)
			}
		})
		got := written(t, log)
		if len(got) != panes {
			t.Fatalf("%d ticks of %d panes", len(got), panes)
		}
		from := slices.IndexFunc(got, func(w *decision.Whole) bool { return w.Tick.Policy == other })
		if from > 0 {
			middle++
		}
		if want := alone(t, seed, from); !slices.Equal(digests(got), digests(want)) {
			t.Fatalf("policy from tick %d on\ngot  %v\nwant %v", from, digests(got), digests(want))
		}
		everyReaderAgrees(t, log)
	})
	if overtaken == 0 || middle == 0 {
		t.Errorf("overtaken %d times, policies amid the ticks: %d", overtaken, middle)
	}
	t.Logf("overtaken %d times, policies amid the ticks: %d", overtaken, middle)
}

// alone returns the ticks of one machine that reads another policy before tick number from, counted from 0; -1 = never.
func alone(t failer, seed uint64, from int) []*decision.Whole {
	log := begun(t)
	for i := range int64(panes) {
		if int(i) == from {
			say(t, log)
		}
		fill(t, log, seed, i, i+1)
		live(t, log)
	}
	return written(t, log)
}

// everyReaderAgrees begins to read at offsets all over the log: a reader that is sure has the state of one that read everything.
func everyReaderAgrees(t failer, log *memlog.Log) {
	t.Helper()
	all, g := records(t, log, decisions), genesis()
	hash := g.Hash()
	from := func(i int) *decide.Checkpoint {
		c := new(decide.Checkpoint)
		for ; i < len(all); i++ {
			_ = c.Read(hash, len(g.Paths), &all[i]) // what is passed over
		}
		return c
	}
	want := from(0)
	moved := func(state map[netip.Prefix]decision.Decision) map[netip.Prefix][3]int64 {
		m := make(map[netip.Prefix][3]int64)
		for a, d := range state {
			m[a] = [3]int64{int64(d.Path), int64(d.Reason), d.Since}
		}
		return m
	}
	for i := 0; i < len(all); i += 1 + len(all)/8 {
		c := from(i)
		if c.Sure() && (c.Tick.Digest != want.Tick.Digest || !reflect.DeepEqual(moved(c.State), moved(want.State))) {
			t.Fatalf("a reader that begins at %d ends with tick %d, %.16s; one from the beginning with tick %d, %.16s",
				i, c.Tick.Number, c.Tick.Digest, want.Tick.Number, want.Tick.Digest)
		}
	}
}
