package world

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// anyFault generates what a scenario's file may say of a fault; most of it makes sense.
func anyFault(w *World, duration time.Duration) *rapid.Generator[Fault] {
	maybe := func(t *rapid.T, name string) bool { return rapid.IntRange(0, 2).Draw(t, name) == 0 }
	minutes := func(t *rapid.T, name string, most time.Duration) time.Duration {
		return time.Duration(rapid.IntRange(0, int(most/time.Minute)).Draw(t, name)) * time.Minute
	}
	return rapid.Custom(func(t *rapid.T) Fault {
		f := Fault{
			Kind: rapid.SampledFrom([]string{Outage, Congestion, Route, Tail, Split, Poison}).Draw(t, "kind"),
			From: minutes(t, "from", duration), To: minutes(t, "to", duration),
		}
		p := rapid.SampledFrom(w.populations).Draw(t, "population")
		switch rapid.IntRange(0, 4).Draw(t, "place") {
		case 0:
			f.Edge = p.Edge
		case 1:
			f.Region = p.Region
		case 2:
			f.Country = p.Country
		case 3:
			f.City = p.City
		}
		if f.Kind == Route || f.Kind == Split || f.Kind == Poison || f.Kind == Tail && maybe(t, "one path") {
			f.Path = rapid.SampledFrom(pathNames).Draw(t, "path")
		}
		if f.Kind != Congestion && f.Kind != Route {
			f.Share = rapid.Float64Range(0, 1).Draw(t, "share")
		}
		if f.Kind != Outage {
			f.Factor = rapid.Float64Range(0.01, 100).Draw(t, "factor")
		}
		if f.Kind == Congestion && maybe(t, "diurnal") {
			f.Peak, f.Width = minutes(t, "peak", 23*time.Hour), minutes(t, "width", 12*time.Hour)
		}
		if f.Kind != Split && f.Kind != Poison && maybe(t, "flapping") {
			f.Every, f.Lasting = minutes(t, "every", time.Hour), minutes(t, "lasting", time.Hour)
		}
		return f
	})
}

// Whatever faults a scenario combines, if it is valid then every run can be drawn, and every truth is one.
func TestAnyFaults(t *testing.T) {
	calm := build(t, func(s *Scenario) { s.Resolvers = 300 })
	valid := 0
	rapid.Check(t, func(t *rapid.T) {
		w := *calm
		w.scenario.Faults = rapid.SliceOfN(anyFault(calm, w.scenario.Duration), 1, 4).Draw(t, "faults")
		if w.scenario.Validate() != nil {
			w.scenario.Faults = w.scenario.Faults[:1]
		}
		if w.scenario.Validate() != nil {
			return
		}
		valid++
		d := w.Draw(rapid.IntRange(0, w.scenario.Runs-1).Draw(t, "run"))
		for _, p := range slices.Concat(d.Pulses[Direct][:], d.Pulses[Proxy][:]) {
			if p.Status != 0 && (p.Wait < 1 || p.TCP < 0 || !d.Lies && p.Micros() > 1000*timeoutMs) {
				t.Fatalf("pulse %+v", p)
			}
		}
		for path := range PathCount {
			fails, reused := w.FailureShare(d.Population, path, d.Time), w.TrueLatencyAt(d.Population, path, ReusedConnection, d.Time)
			fresh := w.TrueLatencyAt(d.Population, path, NewConnection, d.Time)
			if !(fails >= -1e-12 && fails <= 1+1e-12) || !(reused > 0) || math.IsInf(fresh+reused, 0) {
				t.Fatalf("path %d takes %v ms new and %v reused, and %v fail", path, fresh, reused, fails)
			}
			if most := LatencyCap * w.Typical(d.Population, ReusedConnection); reused > most*(1+1e-9) {
				t.Fatalf("path %d takes %v ms, at most %v count", path, reused, most)
			}
		}
		for _, h := range w.AffectedBy(0) {
			if h.Cell >= len(w.cells) {
				t.Fatalf("no cell %d", h.Cell)
			}
		}
	})
	if valid < 20 {
		t.Errorf("only %d of the scenarios were valid", valid)
	}
}
