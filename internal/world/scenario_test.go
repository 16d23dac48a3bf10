package world

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

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
		"faults: [{kind: outage, from: 0s, to: 1m}]":                                         "faults[0].edge, region, country, city:",
		"faults: [{kind: outage, edge: Paris, region: Dublin, from: 0s, to: 1m}]":            "faults[0].edge, region, country, city:",
		"faults: [{kind: outage, edge: Paris, from: 2m, to: 1m}]":                            "faults[0].from, to:",
		"faults: [{kind: outage, edge: Paris, from: 1m, to: 2m, share: 7}]":                  "faults[0].share:",
		"faults: [{kind: congestion, edge: Paris, from: 1m, to: 2m}]":                        "faults[0].factor:",
		"faults: [{kind: outage, edge: Paris, from: 1m, to: 2m, factor: 2}]":                 "faults[0].factor:",
		"faults: [{kind: outage, edge: Paris, from: 90m}]":                                   "faults[0].from, to:",
		"faults: [{kind: outage, edge: Paris, path: proxy}]":                                 "faults[0].path:",
		"faults: [{kind: outage, edge: Paris, peak: 5h}]":                                    "faults[0].peak, width:",
		"faults: [{kind: outage, edge: Paris, every: 5m}]":                                   "faults[0].every, lasting:",
		"faults: [{kind: outage, edge: Paris, every: 5m, lasting: 5m}]":                      "faults[0].every, lasting:",
		"faults: [{kind: congestion, edge: Paris, factor: 2, peak: 25h}]":                    "faults[0].peak, width:",
		"faults: [{kind: congestion, edge: Paris, factor: 2, peak: 5h}]":                     "faults[0].peak, width:",
		"faults: [{kind: route, path: proxy, factor: 2}]":                                    "faults[0].edge, region, country, city:",
		"faults: [{kind: route, city: Kiev, factor: 2}]":                                     "faults[0].path:",
		"faults: [{kind: route, city: Kiev, path: teleport, factor: 2}]":                     "faults[0].path:",
		"faults: [{kind: tail, factor: 2}]":                                                  "faults[0].share:",
		"faults: [{kind: tail, share: .nan, factor: 2}]":                                     "faults[0].share:",
		"faults: [{kind: split, share: 0.5, factor: 2}]":                                     "faults[0].path:",
		"faults: [{kind: poison, path: proxy, share: 0.1, factor: 2, edge: X}]":              "faults[0].edge, region, country, city:",
		"faults: [{kind: poison, path: proxy, share: 0.1, factor: 2, resolvers: -1}]":        "faults[0].resolvers:",
		"faults: [{kind: tail, share: 0.6, factor: 2}, {kind: tail, share: 0.6, factor: 2}]": "faults: 2 tails",
		"faults: [{kind: outage, edge: Paris, wideness: 3}]":                                 "field wideness not found",
		"{runs: 5, median_runs: 5}":                                                          "runs, median_runs:",
		"median_runs: -5":                                                                    "median_runs:",
		"score_from: 91m":                                                                    "score_from:",
		"score_every: 1ms":                                                                   "score_every:",
		"scatter: 2":                                                                         "scatter:",
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
	for _, f := range []Fault{{Edge: "Atlantis"}, {Region: "Paris"}, {Country: "XX"}, {City: "Paris"}} {
		f.Kind, f.To = Outage, time.Minute
		s := Default()
		s.Faults = []Fault{f}
		if _, err := New(s); err == nil {
			t.Errorf("no error for %+v", f)
		}
	}
}
