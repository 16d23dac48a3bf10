package aggregate

import (
	"testing"

	"detour/schemas"
	"detour/schemas/sample"
)

// A source that was silent for days, or whose first record had no time, makes its panes a few at a time.
func TestALongGapIsSealedInSteps(t *testing.T) {
	const days = 5_000 * 60_000
	m := scratch()
	log := []schemas.Record{
		record(t, 0, sample.Head{Sources: 1, To: 1, Origin: 60_000, Mark: 60_000}, at(60_000, 0)),
		record(t, 1, sample.Head{Sources: 1, From: 1, To: 2, Origin: 60_000, Mark: days}, at(days, 1)),
		record(t, 2, sample.Head{Sources: 1, From: 2, To: 3, Origin: 60_000, Mark: days + 130_000}),
	}
	var out []schemas.Record
	for range 1000 {
		in := m.Next()
		var records []schemas.Record
		if in.Wait && in.Offset == int64(len(log)) {
			break
		}
		if in.Offset < int64(len(log)) {
			records = log[in.Offset:]
		}
		step, err := m.Apply(records, int64(len(log)))
		if err != nil {
			t.Fatal(err)
		}
		if len(step) > 2*sealsAtOnce {
			t.Fatalf("%d records at once", len(step))
		}
		out = append(out, step...)
		if len(out) == 3*sealsAtOnce { // another owner goes on
			last := panes(t, out)[len(out)-1]
			m = New(testGenesis(), 0, FromSeal(&last.Seal, int64(len(out))))
		}
	}
	all := panes(t, out)
	for i, p := range all {
		if p.Start != int64(i)*60_000 {
			t.Fatalf("pane %d starts at %d", i, p.Start)
		}
	}
	if want := days/60_000 + 2; len(all) != want || len(all[want-2].Windows) != 1 {
		t.Errorf("%d panes, want %d", len(all), want)
	}
}
