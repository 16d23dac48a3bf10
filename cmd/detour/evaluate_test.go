package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

// quickWorld is a scenario that is evaluated in no time.
const quickWorld = `
duration: 20m
resolvers: 200
runs: 4000
bad: 0
`

// summary of the figures that other programs read.
type evaluated struct {
	Policy    map[string]any
	Baselines map[string]map[string]any
	Worlds    []json.RawMessage
}

func TestEvaluatePrintsJSON(t *testing.T) {
	path := file(t, "quick.yaml", quickWorld)
	code, out, errs := cli(t, "evaluate", "--worlds", path, "--seeds", "2", "--json")
	if code != exitOK || !strings.Contains(errs, "100%  "+path) {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var got evaluated
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err, out)
	}
	names := []string{
		"gain_captured", "harmed_share", "harmed_share_instant", "slower_on_reused_share", "regret_ms_p50", "regret_ms_p90",
		"regret_ms_p99", "mean_ms", "changes_per_resolver_day", "panes_to_reroute_p50", "panes_to_reroute_p95",
	}
	for _, rule := range []string{
		"raw_median", "median_30", "bound_30", "paired", "rolling_median", "last_value", "always_direct", "always_proxy",
		"oracle", "harmless_oracle",
	} {
		for _, name := range names {
			if _, found := got.Baselines[rule][name]; !found {
				t.Errorf("%s has no %s", rule, name)
			}
		}
	}
	for _, name := range names {
		v, found := got.Policy[name]
		if _, number := v.(float64); !found || number == strings.HasPrefix(name, "panes_") {
			t.Errorf("the policy's %s is %v", name, v)
		}
	}
	if got.Baselines["oracle"]["gain_captured"] != 1.0 || got.Baselines["always_direct"]["harmed_share"] != 0.0 || len(got.Worlds) != 0 {
		t.Errorf("%s", out)
	}
}

// TestEvaluateSeveralWorlds: one after the other in tables, below their means in JSON.
func TestEvaluateSeveralWorlds(t *testing.T) {
	a, b := file(t, "a.yaml", quickWorld), file(t, "b.yaml", quickWorld+"noise: 0\n")
	policy := file(t, "policy.yaml", "hold_panes: 3\n")
	args := []string{"evaluate", "--worlds", a + "," + b, "--seeds", "1", "--seed", "5", "--policy", policy}
	code, out, errs := cli(t, args...)
	if code != exitOK || strings.Count(out, "always_proxy") != 2 || !strings.Contains(out, b+": means over 1 seeds from 5") {
		t.Fatalf("exit code %d: %s%s", code, out, errs)
	}
	_, out, _ = cli(t, append(args, "--json")...)
	var got evaluated
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err, out)
	}
	sum := 0.0
	for _, text := range got.Worlds {
		var one evaluated
		if err := json.Unmarshal(text, &one); err != nil {
			t.Fatal(err)
		}
		sum += one.Policy["mean_ms"].(float64)
	}
	if mean := got.Policy["mean_ms"].(float64); len(got.Worlds) != 2 || math.Abs(mean-sum/2) > 1e-9*sum {
		t.Errorf("%v is not the mean of two worlds, %v together: %s", mean, sum, out)
	}
}

// TestEvaluateSaysTheSameAgain: a world and its figures follow from the seed.
func TestEvaluateSaysTheSameAgain(t *testing.T) {
	path := file(t, "quick.yaml", quickWorld)
	var outs []string
	for _, seed := range []string{"1", "1", "2"} {
		code, out, errs := cli(t, "evaluate", "--worlds", path, "--seeds", "1", "--seed", seed, "--json")
		if code != exitOK {
			t.Fatal(code, errs)
		}
		outs = append(outs, out)
	}
	if outs[0] != outs[1] || outs[0] == outs[2] {
		t.Errorf("equal: %t, with another seed: %t", outs[0] == outs[1], outs[0] == outs[2])
	}
}

func TestEvaluateRefuses(t *testing.T) {
	quick := file(t, "quick.yaml", quickWorld)
	for _, test := range []struct{ args, want string }{
		{"--worlds nowhere", "those shipped are"},
		{"--worlds " + file(t, "odd.yaml", "weather: bad\n"), "weather"},
		{"--worlds " + file(t, "half.yaml", "duration: 90s\nruns: 1\n"), "whole minutes"},
		{"--worlds " + file(t, "place.yaml", "faults: [{kind: outage, edge: Atlantis, from: 1m, to: 2m}]\n"), "Atlantis"},
		{"--worlds " + quick + " --seeds 0", "--seeds is 0, it has to be 1 to 10000"},
		{"--worlds " + quick + " --policy nowhere.yaml", "nowhere.yaml"},
		{"--worlds " + quick + " --policy " + file(t, "policy.yaml", "mood: brave\n"), "mood"},
		{"sparse", "0 arguments"},
	} {
		if code, _, errs := cli(t, append([]string{"evaluate"}, strings.Fields(test.args)...)...); code != exitConfig || !strings.Contains(errs, test.want) {
			t.Errorf("%s: exit code %d, %q; want %q", test.args, code, errs, test.want)
		}
	}
	if code, out, _ := cli(t, "evaluate", "-h"); code != exitOK || !strings.Contains(out, fmt.Sprintf("  -%s ", "worlds")) {
		t.Errorf("help: exit code %d: %s", code, out)
	}
}
