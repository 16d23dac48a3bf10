package world

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestEmbeddedScenarios(t *testing.T) {
	files, err := scenarios.ReadDir("scenarios")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		s, err := LoadScenario(strings.TrimSuffix(f.Name(), ".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(s); err != nil {
			t.Errorf("%s: %v", f.Name(), err)
		}
	}
}

func TestScenarioErrorsNameTheKey(t *testing.T) {
	for yaml, want := range map[string]string{
		"sed: 3":                "field sed not found",
		"runs: -1":              "runs:",
		"runs: many":            "cannot unmarshal",
		"resolvers: 0":          "resolvers:",
		"resolvers: 99999999":   "resolvers:",
		"bad: 1.5":              "bad:",
		"public: -0.1":          "public:",
		"noise: .nan":           "noise:",
		"backbone: 0":           "backbone:",
		"duration: 0s":          "duration:",
		"partitions: 0":         "partitions:",
		"start: 1900-01-01":     "start:",
		"faults: [{kind: fog}]": "faults[0].kind:",
		"faults: [{kind: outage, from: 0s, to: 1m}]":                              "faults[0].edge, region, country, city:",
		"faults: [{kind: outage, edge: Paris, region: Dublin, from: 0s, to: 1m}]": "faults[0].edge, region, country, city:",
		"faults: [{kind: outage, edge: Paris, from: 2m, to: 1m}]":                 "faults[0].from, to:",
		"faults: [{kind: outage, edge: Paris, from: 1m, to: 2m, share: 7}]":       "faults[0].share:",
		"faults: [{kind: congestion, edge: Paris, from: 1m, to: 2m}]":             "faults[0].factor:",
		"faults: [{kind: outage, edge: Paris, from: 1m, to: 2m, factor: 2}]":      "faults[0].factor:",
	} {
		name := filepath.Join(t.TempDir(), "s.yaml")
		if err := os.WriteFile(name, []byte(yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadScenario(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", yaml, err, want)
		}
	}
	if _, err := LoadScenario("atlantis"); err == nil || !strings.Contains(err.Error(), "atlantis") {
		t.Errorf("unknown scenario: %v", err)
	}
}

func TestFaultAtUnknownPlace(t *testing.T) {
	for _, f := range []Fault{{Edge: "Atlantis"}, {Region: "Paris"}, {Country: "XX"}} {
		f.Kind, f.To = Outage, time.Minute
		s := Default()
		s.Faults = []Fault{f}
		if _, err := New(s); err == nil {
			t.Errorf("no error for %+v", f)
		}
	}
}

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
		}
	})
	population := func(city string) *Population {
		for i := range w.populations {
			if w.populations[i].City == city {
				return &w.populations[i]
			}
		}
		t.Fatalf("no city %s", city)
		return nil
	}
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
