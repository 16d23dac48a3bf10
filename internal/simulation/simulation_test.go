package simulation_test

import (
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"

	"detour/internal/simulation"
)

var (
	seeds = flag.Int("seeds", defaultSeeds, "how many seeds to play")
	first = flag.Uint64("seed", 1, "the first seed")
	trace = flag.Bool("trace", false, "print every step")
)

// play runs one seed.
func play(t *testing.T, cfg simulation.Config) (o *simulation.Outcome, err error) {
	synctest.Test(t, func(*testing.T) {
		cfg.Wait = synctest.Wait
		if *trace {
			cfg.Trace = func(line string) { _, _ = os.Stderr.WriteString(line + "\n") }
			cfg.Logger = zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr, NoColor: true})
		}
		o, err = simulation.Run(cfg)
	})
	return o, err
}

// sum adds up what runs came to.
type sum struct {
	mu      sync.Mutex
	runs    int
	steps   int
	reports int
	samples simulation.Samples
	repeats simulation.Repeats
	wholes  [3]int // panes of partition 0, ticks, versions
	faults  simulation.Faults
}

func (s *sum) add(o *simulation.Outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs, s.steps, s.reports = s.runs+1, s.steps+o.Steps, s.reports+o.Reports
	s.samples.Add(o.Samples)
	s.repeats.Add(o.Repeats)
	for i, n := range []int{o.Panes, o.Ticks, o.Versions} {
		s.wholes[i] += n
	}
	s.faults.Add(o.Faults)
	if s.runs%100 == 0 {
		fmt.Fprintf(os.Stderr, "%d seeds played\n", s.runs)
	}
}

func (s *sum) String() string {
	return fmt.Sprintf("%d seeds, %d steps: %d reports; samples: %d sent = %d in panes + %d in rejects;\n"+
		"  %d panes, %d ticks, %d versions, each equal to the undisturbed run's;\n"+
		"  written again and passed over: %d samples, %d panes, %d ticks; %d ticks lost a race. Faults:\n%s",
		s.runs, s.steps, s.reports, s.samples.Sent, s.samples.InPanes, s.samples.Rejected,
		s.wholes[0], s.wholes[1], s.wholes[2],
		s.repeats.Samples, s.repeats.Panes, s.repeats.Ticks, s.repeats.Lost, s.faults)
}

// TestNothingIsLostOrDoubledUnderFaults plays many runs: whatever breaks, panes, ticks and versions are those of an
// undisturbed run, and every sample is accounted for.
func TestNothingIsLostOrDoubledUnderFaults(t *testing.T) {
	total := sum{faults: make(simulation.Faults)}
	t.Run("seeds", func(t *testing.T) {
		for seed := *first; seed < *first+uint64(*seeds); seed++ {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				o, err := play(t, simulation.Config{Seed: seed, Stages: simulation.Stages(), PolicyEvery: 60 * int(seed%2)})
				switch {
				case err != nil:
					t.Errorf("%v\nsee it again: make sim SEED=%d SEEDS=1", err, seed)
				case o.Wrong != "":
					t.Errorf("%s\nsee it again: make sim SEED=%d SEEDS=1", o.Wrong, seed)
				default:
					total.add(o)
				}
			})
		}
	})
	fmt.Println(&total)
}

func TestASeedIsPlayedTheSameTwice(t *testing.T) {
	for seed := range uint64(3) {
		cfg := simulation.Config{Seed: seed, Stages: simulation.Stages(), PolicyEvery: 100}
		a, err := play(t, cfg)
		if err != nil {
			t.Fatal(err)
		}
		b, err := play(t, cfg)
		if err != nil || a.Trace != b.Trace || a.Steps != b.Steps {
			t.Errorf("seed %d: %d steps with trace %x, then %d with %x, %v", seed, a.Steps, a.Trace, b.Steps, b.Trace, err)
		}
	}
}
