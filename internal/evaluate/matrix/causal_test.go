package matrix

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"detour/internal/evaluate"
	"detour/schemas/control"
)

// changing returns the rows of 12 clients in 6 slices, in which from one slice on the direct path is twenty times as long.
func changing(from int) string {
	var b strings.Builder
	b.WriteString("t,src,dst,rtt_ms\n")
	for t := range 6 {
		for c := range 12 {
			direct := float64(40+7*c) + float64(t)/8
			if t >= from {
				direct *= 20
			}
			fmt.Fprintf(&b, "%d,c%d,r,%g\n%d,c%d,e,%g\n", t, c, direct, t, c, 20+float64(t)/8)
		}
		fmt.Fprintf(&b, "%d,e,r,%g\n", t, 50+float64(t)/8)
	}
	return b.String()
}

// TestDecisionsSeeOnlyEarlierSlices: a slice's own values move nobody in it, under any rule, and who follows the last value is
// moved in the next one. Who is moved is told by the share of users off the default path, which knows no latency.
func TestDecisionsSeeOnlyEarlierSlices(t *testing.T) {
	moved := func(from int) map[string]float64 {
		w, err := New(Config{
			Open: opened(changing(from)), Regions: []string{"r"}, Edges: []string{"e"},
			Slice: time.Hour, Runs: 40, Noise: 0.2, Seed: 7,
		})
		if err != nil {
			t.Fatal(err)
		}
		result, err := evaluate.Judge(context.Background(), w, control.DefaultPolicy(), nil)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]float64{}
		for name, figures := range result.Rules {
			if name != evaluate.Oracle && name != evaluate.HarmlessOracle {
				out[name] = figures[evaluate.MovedShare]
			}
		}
		return out
	}
	never, last, before := moved(6), moved(5), moved(4)
	for name, share := range never {
		if last[name] != share {
			t.Errorf("%s moved %g of the users, and %g where the last slice is another", name, share, last[name])
		}
	}
	if before["last_value"] <= never["last_value"] {
		t.Errorf("the last value moved %g of the users, and %g where the slice before the last is another", never["last_value"], before["last_value"])
	}
}
