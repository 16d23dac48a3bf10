package evaluate_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"detour/internal/evaluate"
	"detour/internal/evaluate/scenario"
	"detour/internal/world"
	"detour/schemas/control"
)

// bin holds the decisions that state about the same harm. Sums are over users, of whom a world has one in all.
type bin struct {
	below                 float64
	decisions             int
	users, stated, harmed float64
	squares               float64 // of the decisions' users
}

// newBins returns bins of stated harm: fine where decisions to move are made.
func newBins() (bins []bin) {
	for _, below := range []float64{0.001, 0.01, 0.05, 0.2, 0.5, 0.8, 2} {
		bins = append(bins, bin{below: below})
	}
	return bins
}

func count(bins []bin, s *evaluate.Stated) {
	stated := float64(s.Decision.Harm) / 1e6
	for i := range bins {
		if b := &bins[i]; stated < b.below {
			b.decisions++
			b.users += s.Weight
			b.squares += s.Weight * s.Weight
			b.stated += s.Weight * stated
			b.harmed += s.Weight * s.Harmed
			return
		}
	}
}

// check holds what was stated against what is true. Stated harm that is too low makes users slower; harm that is stated
// too high only forgoes gain, and is bounded far more loosely. Chance is allowed for: a bin's users are those of few large
// resolvers, worth as many equal ones as Kish's formula says (L. Kish, Survey Sampling, 1965).
func check(t *testing.T, name string, bins []bin) {
	t.Helper()
	var table strings.Builder
	for _, b := range bins {
		if b.decisions == 0 {
			continue
		}
		stated, harmed, equal := b.stated/b.users, b.harmed/b.users, b.users*b.users/b.squares
		chance := 3 * math.Sqrt(stated*(1-stated)/equal)
		fmt.Fprintf(&table, "  below %5.3f: %6d decisions, as %5.0f equal ones: stated %.4f, true %.4f\n", b.below, b.decisions, equal, stated, harmed)
		if harmed > 1.5*stated+chance+0.005 {
			t.Errorf("%s: of decisions that state harm below %g, %.4f is stated and %.4f true: too sure", name, b.below, stated, harmed)
		}
		if harmed < stated/3-chance {
			t.Errorf("%s: of decisions that state harm below %g, %.4f is stated and %.4f true: too timid", name, b.below, stated, harmed)
		}
	}
	t.Logf("%s\n%s", name, table.String())
}

// TestStatedHarmIsTrue: of all decisions that state harm p about p of the users would be harmed, those that were not taken
// included, in worlds that a model of the noise doesn't know of: heavy tails, a tail on one path alone, paths with two
// modes, and groups that mislead.
func TestStatedHarmIsTrue(t *testing.T) {
	all := newBins()
	for number, name := range []string{"sparse", "heavy-tails", "tail", "bimodal", "misleading"} {
		bins := newBins()
		s, err := world.LoadScenario(name)
		if err != nil {
			t.Fatal(err)
		}
		s.Seed, s.Resolvers = 100+uint64(number), 4000
		w, err := scenario.New(s)
		if err != nil {
			t.Fatal(err)
		}
		decisions, err := evaluate.Decided(w, control.DefaultPolicy())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(decisions, func(s evaluate.Stated) bool { return s.Decision.Harm > 0 }) {
			t.Skip("the decider states no harm")
		}
		for i := range decisions {
			count(bins, &decisions[i])
			count(all, &decisions[i])
		}
		check(t, name, bins)
	}
	check(t, "all", all)
}
