package worker

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
)

// Chunks are lost behind any append, garbage comes in between, and a reader sees what one that never stopped wrote.
func TestCrashesChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		calm := filled(t, seed)
		live(t, calm)
		want := digests(written(t, calm))
		if len(want) != panes {
			t.Fatalf("%d ticks of %d panes", len(want), panes)
		}
		log, r := filled(t, seed), rand.New(rand.NewPCG(seed, 1))
		for done := false; !done; {
			m := resumed(t, log)
			for steps := rapid.IntRange(3, 60).Draw(t, "steps"); steps > 0 && !done; steps-- {
				out, stuck, err := step(log, m, r)
				if err != nil {
					t.Fatal(err)
				}
				if done = stuck; steps == 1 { // the last one is not written whole
					out = out[:r.IntN(len(out)+1)]
				}
				for _, rec := range out {
					write(t, log, rec)
				}
			}
			if r.IntN(3) == 0 {
				write(t, log, schemas.Record{Partition: decisions, Value: []byte("garbage")})
			}
		}
		if got := digests(written(t, log)); !slices.Equal(got, want) {
			t.Fatalf("got  %v\nwant %v", got, want)
		}
	})
}

// The stage dies behind each of its appends in turn.
func TestACrashBehindAnyAppendChangesNothing(t *testing.T) {
	calm := filled(t, 1)
	live(t, calm)
	want := digests(written(t, calm))
	for crash := 1; ; crash++ {
		log := filled(t, 1)
		m, appended := resumed(t, log), 0
		for stuck := false; !stuck && appended < crash; {
			out, wait, err := step(log, m, nil)
			if err != nil {
				t.Fatal(err)
			}
			stuck = wait
			for _, r := range out[:min(len(out), crash-appended)] {
				write(t, log, r)
				appended++
			}
		}
		live(t, log)
		if got := digests(written(t, log)); !slices.Equal(got, want) {
			t.Fatalf("behind append %d: got  %v\nwant %v", crash, got, want)
		}
		if appended < crash {
			return
		}
	}
}
