package evaluate

import (
	"context"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detour/schemas/control"
)

var update = flag.Bool("update", false, "rewrite golden files")

// storm is a world of eight resolvers of two networks: the proxy path is twice as fast for the first, three times as slow
// for the second, and dead in panes 60 to 79.
func storm(uint64) (World, error) {
	f := newFake(120, 8, 2)
	f.truth = func(population, path, pane int) Truth {
		t := Truth{New: 300, Reused: 100}
		if path == 1 && population < 4 {
			t = Truth{New: 150, Reused: 50}
		}
		if path == 1 && population >= 4 {
			t = Truth{New: 900, Reused: 300}
		}
		if path == 1 && pane >= 60 && pane < 80 {
			t.Fails = 1
		}
		return t
	}
	for i := range f.layout.Resolvers {
		f.layout.Resolvers[i].Shares[0].ASN = 1 + uint32(i/4)
	}
	f.layout.Outages = []Outage{{Populations: []int{0, 1, 2, 3, 4, 5, 6, 7}, Path: 1, From: 60, To: 80}}
	f.layout.Scored = func(pane int) bool { return pane == 50 || pane == 75 || pane == 120 }
	for pane := range f.layout.Panes {
		for i := range 8 {
			for n := range 5 {
				direct := 98 + float64((pane+i+n)%5)
				proxy := []float64{0.5, 3}[i/4] * direct
				if pane >= 60 && pane < 80 {
					proxy = 0
				}
				f.measure(pane, i, direct, proxy)
			}
		}
	}
	return f, nil
}

// TestThePolicyTakesWhatIsPlain: with so much evidence, the real decider is where the oracle is, leaves a dead path
// within two panes, and comes back.
func TestThePolicyTakesWhatIsPlain(t *testing.T) {
	panes := 0
	w, _ := storm(0)
	r, err := Judge(t.Context(), w, control.DefaultPolicy(), func(int) { panes++ })
	if err != nil {
		t.Fatal(err)
	}
	got := r.Rules[Policy]
	for figure, want := range map[Figure]float64{
		GainCaptured: 1, HarmedShare: 0, HarmedInstant: 0, FailedShare: 0, ReroutedShare: 1,
		BackShare: 1, LastMileMoved: math.NaN(), PoisonedFlipped: math.NaN(),
	} {
		if !near(got[figure], want, 1e-9) {
			t.Errorf("%s is %v, want %v", figure, got[figure], want)
		}
	}
	if got[RerouteP95] > 2 {
		t.Errorf("it took %v panes to leave a dead path", got[RerouteP95])
	}
	if r.Runs != 120*8*5 || panes != 120 {
		t.Errorf("%d runs, %d panes", r.Runs, panes)
	}
	why := 0.0
	for _, figure := range ofAllUsers {
		sum, whole := 0.0, got[figure]
		for _, l := range r.Levels {
			sum += l[figure]
		}
		if figure == LevelUsers {
			whole = 1
		}
		if !near(sum, whole, 1e-9) {
			t.Errorf("%s: its levels add up to %v, not %v", figure, sum, whole)
		}
	}
	for _, v := range r.Reasons {
		why += v
	}
	if !near(why, 1, 1e-9) {
		t.Errorf("reasons %v are not those of all users", r.Reasons)
	}
	for name, want := range map[string]float64{"always_direct": 0, Oracle: 1, HarmlessOracle: 1} {
		if got := r.Rules[name][GainCaptured]; !near(got, want, 1e-9) {
			t.Errorf("%s gains %v, want %v", name, got, want)
		}
	}
	if f := r.Rules["always_proxy"]; f[HarmedShare] <= 0.5 || f[FailedShare] != 1.0/3 || f[ReroutedShare] != 0 {
		t.Errorf("always_proxy: %v", f)
	}
}

// TestJSONHasTheNamesThatOthersRead: the names and their order are a contract; a figure that doesn't apply is null.
func TestJSONHasTheNamesThatOthersRead(t *testing.T) {
	results, err := Seeds(t.Context(), storm, 7, 2, control.DefaultPolicy(), nil)
	if err != nil {
		t.Fatal(err)
	}
	one := &Report{World: "storm", Seeds: 2, First: 7, Results: results}
	for name, r := range map[string]*Report{"one": one, "two": Join([]*Report{one, one})} {
		text, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "report_"+name+".json", shape(t, text))
	}
	var table strings.Builder
	if err := one.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(table.String()) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	for _, want := range append(order(), "storm: means over 2 seeds from 7, 4800 runs each", "by level of evidence") {
		if !strings.Contains(table.String(), want) {
			t.Errorf("no %q in the table:\n%s", want, table.String())
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs:\n%s", name, got)
	}
}

// shape returns JSON with its keys alone, in their order: of levels and reasons not even these, which are as the decider
// is.
func shape(t *testing.T, text []byte) string {
	t.Helper()
	keys, err := keysOf(text, 0)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(keys, "\n") + "\n"
}

// TestSeedsAreEvaluatedOnce: every seed from the first on has its result in its place, and an error ends all.
func TestSeedsAreEvaluatedOnce(t *testing.T) {
	results, err := Seeds(t.Context(), func(seed uint64) (World, error) {
		f := newFake(3, 1, 2)
		for range seed {
			f.measure(1, 0, 100, 50)
		}
		return f, nil
	}, 4, 5, control.DefaultPolicy(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Runs != int64(4+i) {
			t.Errorf("result %d is of %d runs", i, r.Runs)
		}
	}
	s := Summarise([]*Result{
		{Rules: map[string]Figures{"x": {GainCaptured: 0.25, MeanMs: math.NaN()}}},
		{Rules: map[string]Figures{"x": {GainCaptured: 0.75, MeanMs: 3}}},
	})["x"]
	if s.Mean[GainCaptured] != 0.5 || s.Low[GainCaptured] != 0.25 || s.High[GainCaptured] != 0.75 || s.Mean[MeanMs] != 3 {
		t.Errorf("summary %+v", s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Seeds(ctx, storm, 1, 2, control.DefaultPolicy(), nil); err == nil {
		t.Error("no error when stopped")
	}
}

// TestQuantilesOfADistribution compares with the exact ones.
func TestQuantilesOfADistribution(t *testing.T) {
	var d distribution
	var all []weighted
	for i := range 1000 {
		v := weighted{float64(i*i%977) - 100, 1 + float64(i%3)}
		d.add(v.value, v.weight)
		all = append(all, weighted{max(0, v.value), v.weight})
	}
	for _, q := range []float64{0.05, 0.5, 0.9, 0.99} {
		if got, want := d.quantile(q), quantile(slices.Clone(all), q); !near(got, want, 0.011) {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
}
