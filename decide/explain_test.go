package decide

import (
	"math"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/control"
	"detour/schemas/decision"
)

func explainer() *Explainer {
	p := control.DefaultPolicy()
	return &Explainer{Paths: []string{"direct", "proxy"}, Length: 60_000, Policy: &p}
}

// seenBy is a decision with evidence, which its reasons and the rest are to be set in.
func seenBy(reason decision.Reason, path uint8) decision.Decision {
	return decision.Decision{
		Resolver: netip.MustParseAddr("192.0.2.53"), Path: path, Since: 600_000, Reason: reason, Level: decision.Prefix,
		Candidate: 1, Runs: 4, Cells: 1, Ratio: -200, RatioLower: -450, RatioUpper: 40, OwnRatio: -260, OwnRuns: 4 * decision.RunsOne,
		GroupRatio: -120, GroupRuns: 3 * decision.RunsOne, Direct: 180_000, Gain: 22_000, Harm: 31_000, HarmLimit: 20_000,
		DefaultTries: 40, DefaultFailures: 1, CandidateTries: 39, CandidateFailures: 2,
	}
}

func TestAnExplanationHasWordsNumbersAndWhatWouldHaveChangedIt(t *testing.T) {
	cases := []struct {
		reason decision.Reason
		change func(*decision.Decision)
		want   []string // in the lines, in order
	}{
		{decision.Uncertain, nil, []string{
			"on direct: proxy may well be slower",
			"latency: proxy was 13 % faster (between 26 % faster and 3 % slower): 22.0 ms of 180.0 ms are gained",
			"evidence: 4 paired runs of 1 client population, which weigh 4.0 by their age and say 16 % faster",
			"its group: says 8 % faster, and weighs as much as 3.0 runs of its own", "decided: with its neighbours in 192.0.2.0/24",
			"harm: 3.1 % of its clients are expected to be slower by more than 5.0 % and 2.0 ms; the limit is 2.0 %",
			"failures: 1 of 40 requests on direct, 2 of 39 on proxy",
			"otherwise: harm 3.1 % is above the limit of 2.0 %: about 2 more runs like these would do, or a ratio of 14 % faster, on evidence as good as this",
		}},
		{decision.CellHarmed, func(d *decision.Decision) {
			d.Cells, d.WorstRatio, d.WorstASN, d.WorstCountry = 3, 300, 64500, 'D'<<8|'E'
		}, []string{
			"would make clients in AS64500 in DE slower", "worst off: clients in AS64500 in DE: 23 % slower",
			"no number of runs like these would do, as long as clients in AS64500 in DE are 23 % slower",
		}},
		{decision.Faster, func(d *decision.Decision) { d.Path, d.Harm = 1, 4_000 }, []string{
			"on proxy: it is credibly faster", "otherwise: with a harm above 12 %, or no gain, it would be left: on evidence as good as this, at less than",
		}},
		{decision.TooFew, func(d *decision.Decision) { *d = decision.Decision{Candidate: 1, Runs: 1, Cells: 1} }, []string{
			"on direct: only 1 paired run, too few to judge proxy by", "otherwise: 3 paired runs of its own would be judged: 2 more",
		}},
		{decision.TooFew, func(d *decision.Decision) { *d = decision.Decision{Candidate: 1, Runs: 3, Cells: 1} }, []string{
			"3 paired runs of its own on each kind of connection that the policy's mix asks for",
		}},
		{decision.GroupUnsure, func(d *decision.Decision) { d.Runs, d.OwnRuns, d.Cells = 0, 0, 0 }, []string{
			"evidence: no paired run of its own", "its group: says 8 % faster", "otherwise: 3 paired runs of its own would be judged: 3 more",
		}},
		{decision.NotFaster, func(d *decision.Decision) { d.Ratio, d.RatioLower, d.Gain = 100, 20, -12_000 }, []string{
			"12.0 ms of 180.0 ms are lost", "otherwise: nothing but a faster proxy: it is credibly slower",
		}},
		{decision.NotFaster, nil, []string{"otherwise: a gain of 1.0 % of the time on direct would do"}},
		{decision.NotFaster, func(d *decision.Decision) { d.Gain = -3 }, []string{"otherwise: more runs may still show that proxy is faster: it may be 26 % faster"}},
		{decision.Held, nil, []string{"otherwise: the hold of 10 panes would be over"}},
		{decision.CandidateDown, nil, []string{"proxy is down", "otherwise: proxy would count as working with 95 % probability that less than 20 % of its requests fail, by those of the last 5 panes"}},
		{decision.DefaultDown, nil, []string{"direct, the default, is down", "otherwise: direct would count as working"}},
		{decision.Damped, func(d *decision.Decision) { d.Penalty, d.Failovers = 3, 2 }, []string{
			"unrest: a flap penalty of 3 at its last move; 2 moves off a failing path in close succession",
		}},
		{decision.Damped, func(d *decision.Decision) { d.Penalty = 1890 }, []string{
			"unrest: a flap penalty of 1890 at its last move", "otherwise: its flap penalty would be below 1000",
		}},
	}
	for _, c := range cases {
		d := seenBy(c.reason, 0)
		if c.change != nil {
			c.change(&d)
			d.Reason = c.reason
		}
		x := explainer().Explain(&d)
		text := strings.Join(x.Lines(), "\n")
		rest := text
		for _, want := range c.want {
			_, after, found := strings.Cut(rest, want)
			if !found {
				t.Errorf("%s: no %q in\n%s", c.reason, want, text)
				continue
			}
			rest = after
		}
		if until := int64(600_000 + 10*60_000); (c.reason == decision.Held) != (x.Until == until) {
			t.Errorf("%s: until %d", c.reason, x.Until)
		}
	}
}

func TestEveryReasonHasWordsWhateverIsKnown(t *testing.T) {
	for r := range decision.Reason(decision.Reasons) {
		for _, e := range []*Explainer{{}, explainer()} {
			d := decision.Decision{Reason: r, Path: 9, Candidate: 8}
			if x := e.Explain(&d); x.Why == "" || strings.HasSuffix(x.Why, ": "+r.String()) || strings.Contains(strings.Join(x.Lines(), ""), "NaN") {
				t.Errorf("%s: says %q", r, x.Lines())
			}
		}
	}
	if bare := (&Explainer{}).Explain(&decision.Decision{Reason: decision.Held, Since: 1}); bare.Otherwise != "" || bare.Until != 0 {
		t.Errorf("without a policy it knows of a hold: %+v", bare)
	}
}

// What more runs, or another ratio, would do is checked by the normal distribution of package math: one run fewer leaves
// the harm above its limit, and the ratio told has the harm of the limit.
func TestWhatWouldHaveDoneWouldHaveDone(t *testing.T) {
	tail := func(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }
	rapid.Check(t, func(t *rapid.T) {
		e := explainer()
		d := seenBy(decision.Uncertain, 0)
		d.Ratio = rapid.Int32Range(-800, 0).Draw(t, "ratio")
		d.OwnRatio = rapid.Int32Range(-900, 50).Draw(t, "own")
		d.OwnRuns = rapid.Uint32Range(1, 40*decision.RunsOne).Draw(t, "own runs")
		d.Harm = rapid.Uint32Range(d.HarmLimit+1000, 390_000).Draw(t, "harm")
		b := e.belief(&d)
		if b == nil {
			t.Fatal("no belief")
		}
		if got := tail((b.slow - b.mean) / b.spread); math.Abs(got-float64(d.Harm)/1e6) > 1e-5 {
			t.Fatalf("its own harm is %v, said to be %d ppm", got, d.Harm)
		}
		limit := float64(d.HarmLimit) / 1e6
		if got := tail((b.slow - b.allowed(d.HarmLimit)) / b.spread); math.Abs(got-limit) > 1e-5 {
			t.Fatalf("the harm at the ratio that would do is %v", got)
		}
		harm := func(more float64) float64 {
			all := b.weight + more
			mean := (b.weight*b.mean + more*octaves(d.OwnRatio)) / all
			return tail((b.slow - mean) / (b.spread * math.Sqrt(b.weight/all)))
		}
		dumb := 1
		for dumb < 3000 && harm(float64(dumb)) > limit {
			dumb++
		}
		got, enough := b.runs(&d)
		switch {
		case dumb == 3000:
			if enough && got < 3000 {
				t.Fatalf("%d runs would do", got)
			}
		case !enough || got != about(uint32(dumb)):
			t.Fatalf("%d runs, %t, one by one they are %d", got, enough, dumb)
		}
	})
}

func TestAbout(t *testing.T) {
	for n, want := range map[uint32]uint32{1: 1, 99: 99, 100: 100, 101: 110, 999: 1000, 12_345: 13_000} {
		if got := about(n); got != want {
			t.Errorf("about %d is %d, want %d", n, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for ppm, want := range map[uint32]string{0: "0 %", 3: "0.0003 %", 400: "0.04 %", 31_000: "3.1 %", 200_000: "20 %", 950_000: "95 %"} {
		if got := percent(ppm); got != want {
			t.Errorf("%d ppm is %s, want %s", ppm, got, want)
		}
	}
}
