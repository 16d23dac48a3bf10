package decide

import (
	"math/rand/v2"
	"testing"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// recorded is the digest of the decisions below as the rules are now: a change of a rule is allowed to change it. It was
// the same with GOAMD64=v1 and v3, which fuses multiplication and addition where a core lets it.
const recorded = "ec5be7a1eaf1ccd4685ad84288a0ff26d4b3e913df5969a9e09f55191de560fb"

// TestEveryProcessorDecidesAlike takes its input from integers alone, so that only the rules could differ.
func TestEveryProcessorDecidesAlike(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	p := control.DefaultPolicy()
	p.Window, p.Hold, p.Latency.ConfidencePPM = 6, 2, 900_000
	f := newFeed(t, testGenesis(1, 3), p)
	for tick := range int64(10) {
		var ws []window.Window
		for i := range 300 {
			ws = append(ws, drawWindows(r, address(i), 3, i%12-9, i%30)...)
		}
		f.pane(t, 0, firstPane+tick*minute, ws, 5000, 0)
	}
	out, err := f.run(New(f.genesis, 0), nil, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	digest := ""
	for _, w := range ticks(t, out) {
		digest = decision.Digest(digest, w.Pane, "", w.Decisions)
	}
	if digest != recorded {
		t.Errorf("the decisions have the digest %s, recorded is %s", digest, recorded)
	}
}
