package evaluate_test

import (
	"reflect"
	"testing"
	"time"

	"detour/aggregate"
	"detour/ingest"
	"detour/internal/evaluate"
	"detour/internal/evaluate/scenario"
	"detour/internal/world"
	"detour/schemas"
	"detour/schemas/window"
)

// TestTheWindowsAreThoseOfThePipeline compares the panes that the decider is fed with those that the real ingest and
// aggregator make of the same world's reports.
func TestTheWindowsAreThoseOfThePipeline(t *testing.T) {
	s := world.Default()
	s.Resolvers, s.Runs, s.Duration, s.Partitions, s.Bad = 150, 3000, 10*time.Minute, 1, 0
	s.Faults = []world.Fault{{Kind: world.Outage, Region: "Dublin", From: 3 * time.Minute, To: 6 * time.Minute, Share: 0.7}}
	w, err := scenario.New(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := evaluate.Panes(w)
	if err != nil {
		t.Fatal(err)
	}
	want := piped(t, s, w.Layout())
	if len(got) != 10 || len(want) < 10 {
		t.Fatalf("%d panes, the pipeline has %d", len(got), len(want))
	}
	rows, full := 0, 0
	for i := range got {
		for len(want) > 0 && want[0].Start < got[i].Start {
			if len(want[0].Windows) > 0 {
				t.Fatalf("the pipeline has rows in pane %d", want[0].Start)
			}
			want = want[1:]
		}
		if got[i].Start != want[0].Start || !reflect.DeepEqual(got[i].Windows, want[0].Windows) {
			t.Fatalf("pane %d differs", i)
		}
		want = want[1:]
		rows += len(got[i].Windows)
		for j := range got[i].Windows {
			full += int(got[i].Windows[j].Other)
		}
	}
	if rows < 1000 || full == 0 {
		t.Errorf("only %d rows, %d of them beyond the largest cells: the comparison says little", rows, full)
	}
}

// piped returns the panes that reports become.
func piped(t *testing.T, s world.Scenario, l *evaluate.Layout) (panes []*window.Pane) {
	t.Helper()
	built, err := world.New(s)
	if err != nil {
		t.Fatal(err)
	}
	var reports []schemas.Record
	for r := range built.Runs() {
		reports = append(reports, schemas.Record{
			Partition: schemas.Partition{Topic: schemas.Reports}, Offset: int64(len(reports)), Time: r.Time, Value: r.Value,
		})
	}
	end := schemas.Heartbeat(schemas.Partition{Topic: schemas.Reports}, built.End()+3_600_000)
	end.Offset = int64(len(reports))
	reports = append(reports, end)
	g := evaluate.Genesis(l)
	samples, err := ingest.New(&g, ingest.ClientKey{1}, 0, 1, ingest.Checkpoint{}).Apply(reports, int64(len(reports)))
	if err != nil {
		t.Fatal(err)
	}
	m := aggregate.New(&g, 0, aggregate.FromScratch(0, 0))
	var whole window.Assembler
	for i := range samples {
		if samples[i].Partition.Topic != schemas.Samples {
			t.Fatalf("a record of %s: %s", samples[i].Partition, samples[i].Value)
		}
		samples[i].Offset = int64(i)
		out, err := m.Apply(samples[i:i+1], int64(i+1))
		if err != nil {
			t.Fatal(err)
		}
		for j := range out {
			b, err := window.Decode(out[j].Value)
			if err != nil {
				t.Fatal(err)
			}
			p, err := whole.Add(b)
			if err != nil {
				t.Fatal(err)
			}
			if p != nil {
				panes = append(panes, p)
			}
		}
	}
	return panes
}
