package world

import (
	"testing"

	reports "detour/schemas/report"
)

// What the world writes is what the pipeline reads: every good report decodes, with all its pulses.
func TestReportsDecode(t *testing.T) {
	w := build(t, nil)
	good, bad := 0, 0
	for _, r := range take(w.Runs(), 20000) {
		got, err := reports.Decode(r.Value)
		if r.Flaw != "" {
			bad++
			continue
		}
		good++
		if err != nil {
			t.Fatalf("%v in %s", err, r.Value)
		}
		if len(got.Data) != 2 || len(got.Data[0].Data) != 3 || len(got.Data[1].Data) != 3 || got.Ctx.Client == "" {
			t.Fatalf("%+v from %s", got, r.Value)
		}
	}
	if good == 0 || bad == 0 {
		t.Errorf("%d good and %d bad reports", good, bad)
	}
}
