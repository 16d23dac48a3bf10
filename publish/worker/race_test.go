package worker_test

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"detour/internal/dataflow"
	"detour/publish/fleet"
	"detour/publish/tail"
	"detour/schemas"
	"detour/schemas/pathmap"
)

// forked is a log in which one publisher finds other decisions than everybody else: the only way to make it write other
// versions, as a program with an error in it would.
type forked struct {
	dataflow.Log
	decisions dataflow.Log
}

func (f *forked) of(p schemas.Partition) dataflow.Log {
	if p == ticks {
		return f.decisions
	}
	return f.Log
}

func (f *forked) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	return f.of(p).Fetch(ctx, p, offset)
}

func (f *forked) Bounds(ctx context.Context, p schemas.Partition) (start, end int64, err error) {
	return f.of(p).Bounds(ctx, p)
}

// draws returns a function that picks from 1 to n.
func draws(t *rapid.T, label string) func(int) int {
	return func(n int) int { return rapid.IntRange(1, n).Draw(t, label) }
}

// decisionsOf appends n snapshots, which differ from tick to tick and by what.
func (s *stage) decisionsOf(n int, what byte) {
	for i := range n {
		s.decide(true, fmt.Sprintf("192.0.2.%d", i%7+1), fmt.Sprintf("198.51.100.%d", what))
	}
}

// follow reads maps from an offset on, the way that a reader does, and returns what it is sure of.
func (s *stage) follow(from int64) map[int64]string {
	s.t.Helper()
	_, end, err := s.log.Bounds(s.t.Context(), mapsPartition)
	if err != nil {
		s.t.Fatal(err)
	}
	records, err := dataflow.Range(s.t.Context(), s.log, mapsPartition, from, end)
	if err != nil {
		s.t.Fatal(err)
	}
	chain := new(pathmap.Chain)
	if from > 0 {
		chain = pathmap.ChainFromTheMiddle()
	}
	kept := make(map[int64]string)
	for i := range records {
		p, err := chain.Add(&records[i])
		if err != nil && from == 0 {
			s.t.Fatalf("%s: %v", records[i].At(), err) // only a successor of a loser would be off the chain
		}
		if p != nil && (chain.Sure() || from == 0) {
			kept[p.Manifest.Version] = p.Manifest.Digest
		}
	}
	return kept
}

// Two publishers that write at once, each of which may be stopped anywhere, for a while or for ever, even between two
// chunks: every reader keeps the same versions, whenever it began, and each extends the one before. Where both read the
// same decisions, these are the versions of one that was alone and never stopped.
func TestTwoPublishersMakeOneChain(t *testing.T) {
	races := 0
	rapid.Check(t, func(t *rapid.T) {
		s := newStage(t)
		const n = 8
		s.decisionsOf(n, 1)
		same := rapid.Bool().Draw(t, "same decisions")
		other := newStage(t)
		other.decisionsOf(n, 2)
		if same {
			other = s
		}
		chunk := rapid.SampledFrom([]int{0, 60}).Draw(t, "chunk")
		pair := []*publisher{
			{log: s.log, genesis: s.genesis, chunk: chunk},
			{log: &forked{s.log, other.log}, genesis: s.genesis, chunk: chunk},
		}
		join := rapid.IntRange(0, 150).Draw(t, "a replica starts")
		var store *replica
		for i := range 150 {
			if i == join {
				store = newReplica(s)
				defer store.stop()
			}
			p := rapid.SampledFrom(pair).Draw(t, "who")
			if rapid.IntRange(0, 19).Draw(t, "crash") == 0 {
				p.crash()
			}
			if _, err := p.step(t.Context(), draws(t, "read"), draws(t, "appended")); err != nil {
				t.Fatal(err)
			}
			if rapid.IntRange(0, 19).Draw(t, "look") == 0 {
				s.look()
			}
		}
		for _, p := range pair {
			for moved := true; moved; {
				var err error
				if moved, err = p.step(t.Context(), all, all); err != nil {
					t.Fatal(err)
				}
			}
			races += p.lost
		}
		kept := s.follow(0)
		_, end, err := s.log.Bounds(t.Context(), mapsPartition)
		if err != nil {
			t.Fatal(err)
		}
		s.check(kept, rapid.SliceOfN(rapid.Int64Range(0, end-1), 8, 8).Draw(t, "readers begin"), store)
		if same {
			alone := newStage(t)
			alone.decisionsOf(n, 1)
			alone.mustResume()
			if want := alone.follow(0); fmt.Sprint(kept) != fmt.Sprint(want) {
				t.Fatalf("they made %v, one alone %v", kept, want)
			}
		}
	})
	if races == 0 {
		t.Error("no publisher ever lost a race: this shows nothing")
	}
	t.Logf("%d races lost", races)
}

// look reads the end of the log as it is, and compares it with a reader who was there from the beginning.
func (s *stage) look() {
	s.t.Helper()
	found, err := tail.Read(s.t.Context(), s.log, 1)
	if err != nil {
		s.t.Fatal(err)
	}
	kept := s.follow(0)
	if last := found.Last(); last == nil && len(kept) > 0 || last != nil && kept[last.Manifest.Version] != last.Manifest.Digest {
		s.t.Fatalf("the tail ends with %+v, kept are %v", last, kept)
	}
}

// check compares what readers keep who began anywhere.
func (s *stage) check(kept map[int64]string, begin []int64, r *replica) {
	s.t.Helper()
	last := int64(len(kept))
	if kept[last] == "" {
		s.t.Fatalf("the kept versions are %v", kept)
	}
	for _, from := range begin {
		for number, digest := range s.follow(from) {
			if kept[number] != digest {
				s.t.Fatalf("who begins at %d keeps %.16s as version %d, others %.16s", from, digest, number, kept[number])
			}
		}
	}
	if r == nil {
		return
	}
	await(r.store, last)
	for number := range last {
		if v := r.store.Get(number + 1); v != nil && v.Manifest.Digest != kept[number+1] {
			s.t.Fatalf("version %d is served as %.16s, kept is %.16s", number+1, v.Manifest.Digest, kept[number+1])
		}
	}
}

// replica is a server of the fleet.
type replica struct {
	store *fleet.Store
	stop  func()
}

func newReplica(s *stage) *replica {
	store, stop := s.fleet()
	return &replica{store, stop}
}
