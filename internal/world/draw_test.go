package world

import (
	"fmt"
	"testing"
)

// A report says what was drawn, and nothing else.
func TestReportsSayWhatWasDrawn(t *testing.T) {
	w := build(t, func(s *Scenario) { s.Bad = 0 })
	for i, r := range take(w.Runs(), 5000) {
		d := w.Draw(i)
		rep, c := decode(t, w, r)
		if *c != w.cells[d.Cell] || c.Resolver != d.Resolver || c.Population != d.Population || r.Time != d.Time {
			t.Fatalf("drawn %+v, reported %s", d, r.Value)
		}
		if rep.Ctx.ASN != c.ASN || rep.Ctx.Country != c.Country || rep.Ctx.Resolver != w.resolvers[d.Resolver].Addr.String() {
			t.Fatalf("clients of %+v, reported %s", c, r.Value)
		}
		for path := range d.Pulses {
			for j := range d.Pulses[path] {
				checkDrawn(t, &d.Pulses[path][j], &rep.Data[path].Data[j])
			}
		}
	}
}

func checkDrawn(t *testing.T, drawn *Pulse, reported *pulse) {
	t.Helper()
	if drawn.Status != reported.SC {
		t.Fatalf("drawn %+v, reported %+v", drawn, reported)
	}
	if drawn.Status == 0 {
		return
	}
	if (*reported.TCP > 0) != (drawn.Class == NewConnection) {
		t.Fatalf("drawn %+v, reported tcp %v", drawn, *reported.TCP)
	}
	for ms, us := range map[float64]int64{reported.D: drawn.Micros(), reported.TTFB: drawn.Wait, *reported.TCP: drawn.TCP, *reported.TLS: drawn.TLS} {
		if got := fmt.Sprintf("%.3f", ms); got != fmt.Sprintf("%d.%03d", us/1000, us%1000) {
			t.Fatalf("drawn %d us, reported %s ms", us, got)
		}
	}
}

func TestCellsOfAResolver(t *testing.T) {
	w := build(t, func(s *Scenario) { s.Resolvers = 500 })
	n := 0
	for i := range w.resolvers {
		for _, c := range w.CellsOf(i) {
			if c.Resolver != i || c != w.Cells()[n] {
				t.Fatalf("resolver %d has the cell %+v, number %d", i, c, n)
			}
			n++
		}
	}
	if n != len(w.Cells()) {
		t.Errorf("resolvers have %d cells, the world %d", n, len(w.Cells()))
	}
}

func BenchmarkDraw(b *testing.B) {
	w := build(b, func(s *Scenario) { s.Resolvers, s.Runs = 20_000, 1e9 })
	b.ReportAllocs()
	b.ResetTimer()
	answered := 0
	for i := range b.N {
		d := w.Draw(i)
		answered += d.Pulses[Direct][0].Status
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*PathCount*PulseCount), "ns/pulse")
	if answered == 0 {
		b.Error("nothing answers")
	}
}
