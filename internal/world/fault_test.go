package world

import (
	"math"
	"testing"
	"time"
)

// Each kind of fault does what its table says, to the clients at its place and while it lasts.
func TestFaults(t *testing.T) {
	w := build(t, func(s *Scenario) {
		s.Faults = []Fault{
			{Kind: Outage, Edge: "Sao Paulo", From: time.Minute, To: 2 * time.Minute},
			{Kind: Outage, Region: "Dublin", From: 3 * time.Minute, To: 4 * time.Minute},
			{Kind: Outage, Country: "BR", From: 5 * time.Minute, To: 6 * time.Minute, Share: 0.5},
			{Kind: Congestion, Edge: "Sao Paulo", From: 7 * time.Minute, To: 8 * time.Minute, Factor: 3},
			{Kind: Congestion, Region: "Washington", From: 9 * time.Minute, To: 10 * time.Minute, Factor: 2},
			{Kind: Congestion, Country: "BR", From: 11 * time.Minute, To: 12 * time.Minute, Factor: 4},
			{Kind: Route, City: "Brasilia", Path: "proxy", From: 13 * time.Minute, To: 14 * time.Minute, Factor: 2},
			{Kind: Route, Country: "BR", Path: "direct", From: 15 * time.Minute, To: 16 * time.Minute, Factor: 2},
			{Kind: Split, Edge: "Sao Paulo", Path: "proxy", From: 17 * time.Minute, To: 18 * time.Minute, Share: 0.5, Factor: 2},
			{Kind: Tail, Country: "BR", From: 19 * time.Minute, To: 20 * time.Minute, Share: 0.1, Factor: 9},
			{Kind: Tail, Path: "proxy", From: 20 * time.Minute, To: 21 * time.Minute, Share: 0.2, Factor: 3},
			{Kind: Outage, City: "Brasilia", From: 22 * time.Minute, To: 30 * time.Minute, Every: 4 * time.Minute, Lasting: time.Minute},
			{Kind: Route, City: "Kiev", Path: "proxy", From: 40 * time.Minute, Factor: 5},
		}
	})
	population := func(city string) *Population { return &w.populations[populationOf(t, w, city)] }
	brasilia, kiev := population("Brasilia"), population("Kiev")
	at := func(p *Population, minute float64) conditions { return w.conditions(p, int64(minute*60_000)) }
	calm := func(p *Population) conditions { return conditions{legs: p.legs, lastMile: 1} }
	change := func(p *Population, f func(*conditions)) conditions {
		c := calm(p)
		f(&c)
		return c
	}
	for _, c := range []struct {
		name   string
		p      *Population
		minute float64
		want   conditions
	}{
		{"before", brasilia, 0.99, calm(brasilia)},
		{"edge out", brasilia, 1, change(brasilia, func(c *conditions) { c.down[Proxy].timeout = 1 })},
		{"edge back", brasilia, 2, calm(brasilia)},
		{"another's edge out", kiev, 1.5, calm(kiev)},
		{"region out", kiev, 3.5, change(kiev, func(c *conditions) { c.down[Direct].timeout, c.down[Proxy].gateway = 1, 1 })},
		{"another's region out", brasilia, 3.5, calm(brasilia)},
		{"country out", brasilia, 5.5, change(brasilia, func(c *conditions) { c.down[Direct].timeout, c.down[Proxy].timeout = 0.5, 0.5 })},
		{"edge congested", brasilia, 7.5, change(brasilia, func(c *conditions) { c.legs.edge *= 3 })},
		{"region congested", brasilia, 9.5, change(brasilia, func(c *conditions) { c.legs.direct *= 2; c.legs.middle *= 2 })},
		{"country congested", brasilia, 11.5, change(brasilia, func(c *conditions) { c.lastMile = 4 })},
		{"proxied route", brasilia, 13.5, change(brasilia, func(c *conditions) { c.legs.edge *= 2 })},
		{"direct route", brasilia, 15.5, change(brasilia, func(c *conditions) { c.legs.direct *= 2 })},
		{"another's route", kiev, 13.5, calm(kiev)},
		{"split", brasilia, 17.5, change(brasilia, func(c *conditions) { c.splits[Proxy] = chance{0.5, 2} })},
		{"tails of both", brasilia, 19.5, change(brasilia, func(c *conditions) {
			c.tails[Direct][0], c.tails[Proxy][0] = chance{0.1, 9}, chance{0.1, 9}
		})},
		{"another's tail", kiev, 19.5, calm(kiev)},
		{"tail of one", kiev, 20.5, change(kiev, func(c *conditions) { c.tails[Proxy][1] = chance{0.2, 3} })},
		{"flapping: down", brasilia, 26.9, change(brasilia, func(c *conditions) { c.down[Direct].timeout, c.down[Proxy].timeout = 1, 1 })},
		{"flapping: up", brasilia, 27.1, calm(brasilia)},
		{"flapping: over", brasilia, 30.1, calm(brasilia)},
		{"for good", kiev, 89, change(kiev, func(c *conditions) { c.legs.edge *= 5 })},
	} {
		if got := at(c.p, c.minute); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// In reports, a region's outage is a time-out directly and a 504 by proxy.
func TestRegionOutageInReports(t *testing.T) {
	w := build(t, func(s *Scenario) {
		s.Bad, s.Noise, s.Runs = 0, 0, 2000
		s.Faults = []Fault{{Kind: Outage, Region: "Dublin", To: s.Duration}}
	})
	hit := 0
	for r := range w.Runs() {
		rep, c := decode(t, w, r)
		p := &w.populations[c.Population]
		for _, pulse := range rep.Data[Direct].Data {
			if want := map[bool]int{true: 0, false: 200}[p.Region == "Dublin"]; pulse.SC != want {
				t.Fatalf("direct from %s: status %d", p.City, pulse.SC)
			}
		}
		for _, pulse := range rep.Data[Proxy].Data {
			if want := map[bool]int{true: 504, false: 200}[p.Origin == "Dublin"]; pulse.SC != want {
				t.Fatalf("by proxy from %s: status %d", p.City, pulse.SC)
			}
			hit++
		}
	}
	if hit == 0 {
		t.Error("nobody goes to Dublin")
	}
}

// Congestion that follows the day peaks at its hour, is linear on both sides, also over midnight, and steps every quarter of
// an hour.
func TestDiurnalFactor(t *testing.T) {
	f := Fault{Kind: Congestion, Factor: 3, Peak: 23 * time.Hour, Width: 4 * time.Hour}
	day := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	at := func(d time.Duration) float64 { return f.factorAt(day.Add(d).UnixMilli()) }
	for d, want := range map[time.Duration]float64{
		12 * time.Hour: 1, 19 * time.Hour: 1.0625, 21 * time.Hour: 2.0625, 23 * time.Hour: 2.9375, 25 * time.Hour: 1.9375, 27 * time.Hour: 1,
	} {
		if got := at(d); math.Abs(got-want) > 1e-12 {
			t.Errorf("at %v the factor is %v, want %v", d, got, want)
		}
		if got := at(d + diurnalStep - time.Millisecond); got != at(d) {
			t.Errorf("within a step from %v the factor goes from %v to %v", d, at(d), got)
		}
	}
}

// Without noise, what is drawn shows the tail and the split as they were declared: the share of requests, and of runs, whose
// time is the factor's.
func TestTailsAndSplitsAreDrawn(t *testing.T) {
	w := build(t, func(s *Scenario) {
		s.Bad, s.Noise = 0, 0
		s.Faults = []Fault{
			{Kind: Tail, Path: "direct", Share: 0.1, Factor: 3},
			{Kind: Split, Path: "proxy", Share: 0.3, Factor: 4},
		}
	})
	const runs = 20_000
	tailed, split := 0.0, 0.0
	for i := range runs {
		d := w.Draw(i)
		l := w.populations[d.Population].legs
		direct := &d.Pulses[Direct]
		least := min(direct[0].Micros()/3, direct[1].Micros(), direct[2].Micros()) // of three in the tail, one run in a thousand
		for _, p := range direct {
			if p.Wait > 2*least {
				tailed += 1.0 / (runs * PulseCount)
			}
		}
		near := d.Pulses[Proxy][0].TCP - micros(l.edge)
		far := d.Pulses[Proxy][0].TCP - micros(4*l.edge)
		for _, p := range d.Pulses[Proxy][1:] { // a run takes one way, however many requests it makes
			if got := p.Wait - micros(l.middle) - d.Pulses[Proxy][0].TCP; got < -2 || got > 2 {
				t.Fatalf("pulses of one run differ: %+v", d.Pulses[Proxy])
			}
		}
		if lastMile := least - micros(l.direct); far >= 0 && max(lastMile-far, far-lastMile) < max(lastMile-near, near-lastMile) {
			split += 1.0 / runs
		}
	}
	if math.Abs(tailed-0.1) > 0.005 {
		t.Errorf("%v of the requests are in the tail", tailed)
	}
	if math.Abs(split-0.3) > 0.02 {
		t.Errorf("%v of the runs take the other way", split)
	}
}
