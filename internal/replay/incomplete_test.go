package replay

import (
	"slices"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"detour/aggregate"
	"detour/aggregate/worker"
	"detour/decide"
	"detour/internal/dataflow/memlog"
	"detour/publish"
	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
)

// without drops what stages wrote, besides what else is to be changed.
func without(edit func(*schemas.Record) bool, topics ...schemas.Topic) func(*schemas.Record) bool {
	return func(r *schemas.Record) bool { return !slices.Contains(topics, r.Partition.Topic) && edit(r) }
}

// settle runs machines over a log until none of them moves.
func settle(t *testing.T, log *memlog.Log, machines ...schemas.Machine) {
	t.Helper()
	for moved := true; moved; {
		moved = false
		for _, m := range machines {
			in := m.Next()
			_, end, err := log.Bounds(t.Context(), in.Partition)
			if err != nil {
				t.Fatal(err)
			}
			next, records := in.Offset, []schemas.Record(nil)
			if in.Offset < end {
				f, err := log.Fetch(t.Context(), in.Partition, in.Offset)
				if err != nil {
					t.Fatal(err)
				}
				next, records = f.Next, f.Records
			} else if in.Wait {
				continue
			}
			out, err := m.Apply(records, next)
			if err != nil {
				t.Fatal(err)
			}
			for i := range out {
				if _, err := log.Append(t.Context(), out[i].Partition, out[i:i+1]); err != nil {
					t.Fatal(err)
				}
			}
			moved = true
		}
	}
}

func TestVersionsOfIncompleteEvidenceAreCounted(t *testing.T) {
	edit := func(r *schemas.Record) bool { return r.At() != "samples/0@20" } // a hole in one source
	log, g := logOf(t, without(edit, schemas.Windows, schemas.Decisions, schemas.Maps))
	settle(t, log, aggregate.New(&g, 0, aggregate.FromScratch(0, 0)), aggregate.New(&g, 1, aggregate.FromScratch(0, 0)),
		decide.New(g, 0), publish.New(g, publish.Config{}, 0))
	for _, samples := range both {
		found := verified(t, &Verify{Log: log, Genesis: g, Samples: samples})
		agrees(t, found)
		saysIncomplete(t, found)
	}
}

// saysIncomplete checks that some versions, not all, are said to be of incomplete evidence, and which pane lost what.
func saysIncomplete(t *testing.T, found *Verified) {
	t.Helper()
	lost := int64(0)
	for _, p := range found.IncompletePanes {
		lost += p.Lost
		if p.Partition != 0 {
			t.Errorf("%+v", p)
		}
	}
	if found.Incomplete == 0 || found.Incomplete == found.Versions || lost == 0 {
		t.Errorf("from %s: %d of %d versions, %d offsets lost in %+v", found.From, found.Incomplete, found.Versions, lost, found.IncompletePanes)
	}
}

// Decide counts a pane that it can't read as empty, and so does who verifies; the samples say what was in it.
func TestAPaneThatDecideCouldNotReadIsOneForVerify(t *testing.T) {
	const at = "windows/1@9"
	rot := func(r *schemas.Record) bool {
		if r.At() == at {
			r.Value = []byte("rot")
		}
		return true
	}
	log, g := logOf(t, without(rot, schemas.Decisions, schemas.Maps))
	settle(t, log, decide.New(g, 0), publish.New(g, publish.Config{}, 0))
	found := verified(t, &Verify{Log: log, Genesis: g})
	agrees(t, found)
	if found.Incomplete == 0 || len(found.UnreadableRecords) != 1 || found.UnreadableRecords[0].At != at {
		t.Errorf("%+v", found)
	}
	found = verified(t, &Verify{Log: log, Genesis: g, Samples: true})
	if found.Difference == nil || len(found.Missing) != 1 || !strings.Contains(found.Missing[0].String(), "partition 1") || !strings.Contains(found.Missing[0].Why, at) {
		t.Errorf("from samples: %+v", found)
	}
}

func TestARetentionOverrunIsSaidOfTheVersionsThatItTouches(t *testing.T) {
	early := func(r *schemas.Record) bool { return r.Partition.Topic != schemas.Windows || r.Offset < 3 }
	log, g := logOf(t, without(early, schemas.Decisions, schemas.Maps))
	p := schemas.Partition{Topic: schemas.Samples}
	_, end, err := log.Bounds(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Trim(p, end/2); err != nil { // aggregate was away for so long
		t.Fatal(err)
	}
	machines := []schemas.Machine{decide.New(g, 0), publish.New(g, publish.Config{}, 0)}
	for i := range int32(2) {
		m, err := worker.Resume(t.Context(), log, &g, i, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		machines = append(machines, m)
	}
	settle(t, log, machines...)
	found := verified(t, &Verify{Log: log, Genesis: g})
	agrees(t, found)
	saysIncomplete(t, found)
	found = verified(t, &Verify{Log: log, Genesis: g, Samples: true})
	agrees(t, found)
	if found.Tick == 0 || len(found.Trimmed) != 1 || found.Trimmed[0].Partition != "samples/0" || len(found.Underived) == 0 {
		t.Errorf("from samples: %+v", found)
	}
}

// Stages go on while a log is verified: what was there at the beginning is compared.
func TestALogThatGrowsIsVerifiedAsItWas(t *testing.T) {
	log, g := logOf(t, nil)
	want := verified(t, &Verify{Log: log, Genesis: g})
	grow := func(done, _ int64) {
		for _, p := range []schemas.Partition{mapsPartition, decisionsPartition, {Topic: schemas.Windows}} {
			if _, err := log.Append(t.Context(), p, []schemas.Record{{Value: []byte("new")}}); err != nil {
				t.Error(err)
			}
		}
	}
	found := verified(t, &Verify{Log: log, Genesis: g, Progress: grow})
	agrees(t, found)
	if found.Versions != want.Versions || found.Ticks != want.Ticks || len(found.UnreadableRecords) != 0 {
		t.Errorf("%+v, want %+v", found, want)
	}
}

// A superseded writer's wholes are passed over, as every reader does.
func TestTheLosersOfRacesAreNotCompared(t *testing.T) {
	log, g := logOf(t, nil)
	want := verified(t, &Verify{Log: log, Genesis: g})
	noisy := memlog.All(2)
	stray := map[schemas.Topic]func(*schemas.Record) bool{
		schemas.Decisions: editTicks(t, 6, func(b *decision.Batch) { b.Decisions = nil }),
		schemas.Maps:      editMaps(t, 5, func(m *pathmap.Map) { m.Entries = nil }),
	}
	for _, p := range everyPartition() {
		for _, r := range all(t, log, p) {
			records := []schemas.Record{r}
			if edit := stray[p.Topic]; edit != nil {
				loser := r
				loser.Headers = slices.Clone(r.Headers)
				edit(&loser)
				records = append(records, loser) // the winner came first
			}
			if _, err := noisy.Append(t.Context(), p, records); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, samples := range both {
		found := verified(t, &Verify{Log: noisy, Genesis: g, Samples: samples})
		agrees(t, found)
		if found.Versions != want.Versions || found.Ticks != want.Ticks {
			t.Errorf("%+v, want %+v", found, want)
		}
	}
}
