// Package simulation runs all stages over a simulated log, group coordinator and clock, with faults, driven by one seed.
//
// The stages are the real ones, shells included. Every call that they make to the log or the coordinator stops until the
// scheduler answers it; the scheduler answers one at a time, when every goroutine has come to a stop, and draws from the
// seed which one, how, and what breaks in between. So a run is a function of its seed, and a failure can be seen again.
//
// When the reports have been sent, the faults end, and what is in the log is compared with what one undisturbed process
// a stage makes of the same reports: see Outcome.
package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/control"
)

// Env is what a stage's process is built from.
type Env struct {
	Log     dataflow.Log
	Group   dataflow.Group
	Genesis *control.Genesis
	Logger  zerolog.Logger
}

// Stage is a kind of process.
type Stage struct {
	Name   string
	Copies int              // that run at once
	Make   func(Env) Runner // a process in its first moment
}

// Runner blocks until ctx ends or it fails.
type Runner interface {
	Run(ctx context.Context) error
}

// Config is one run. It has to happen inside a synctest bubble: its clock is the bubble's.
type Config struct {
	Seed        uint64
	Wait        func() // synctest.Wait
	Stages      []Stage
	PolicyEvery int            // an operator applies a policy once in about so many steps; 0 = never
	Calm        bool           // without faults
	Logger      zerolog.Logger // of all processes; the zero value is silent
	Trace       func(string)   // told of every step; nil = nobody
}

// simulation is one run. What the goroutines of processes share with the scheduler is guarded by mu; everything else
// belongs to the scheduler.
type simulation struct {
	cfg     Config
	rng     *rand.Rand
	log     *memlog.Log
	genesis control.Genesis
	faults  Faults
	step    int
	end     time.Time // of the reports
	reports []report  // not yet sent, in order of time
	sent    []report

	processes []*process
	stores    []*observedStore
	observer  *observer
	assigned  int       // shares so far
	late      []landing // appends whose writer is gone or gave up
	trace     uint64

	mu      sync.Mutex
	pending []*op
	orphans []*op
	groups  map[string]*group
	broken  []error
}

// What ends a run that never comes to rest: a run takes some ten thousand steps, and a partition some hundred records.
const (
	maxSteps   = 400_000
	maxRecords = 20_000
)

// Run plays one run to its end.
func Run(cfg Config) (*Outcome, error) {
	s := newSimulation(cfg)
	if err := s.begin(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	for i := range cfg.Stages {
		for range cfg.Stages[i].Copies {
			s.launch(ctx, &cfg.Stages[i])
		}
	}
	s.play()
	err := s.settle()
	stop()
	cfg.Wait()
	if err != nil {
		return nil, err
	}
	return s.outcome()
}

func newSimulation(cfg Config) *simulation {
	rng := rand.New(rand.NewPCG(cfg.Seed, 0x5eed))
	s := &simulation{
		cfg:     cfg,
		rng:     rng,
		genesis: genesis(rng),
		faults:  make(Faults),
		groups:  make(map[string]*group),
	}
	s.log = memlog.New(map[schemas.Topic]int{
		schemas.Control: 1, schemas.Reports: 1 + rng.IntN(3), schemas.Samples: s.genesis.Samples, schemas.Windows: s.genesis.Samples,
		schemas.Decisions: 1, schemas.Maps: 1, schemas.Rejects: s.genesis.Samples,
	})
	s.observer = newObserver(s)
	return s
}

// play takes steps until all reports are sent.
func (s *simulation) play() {
	for len(s.broken) == 0 && (len(s.reports) > 0 || time.Now().Before(s.end)) {
		s.advance()
		if !s.cfg.Calm {
			s.disturb()
			s.cfg.Wait() // for who was stopped: a call is answered or given up, never both
		}
		s.answer()
	}
}

// settle ends all faults, lets every process come to rest, and says why one can't.
func (s *simulation) settle() error {
	s.cfg.Calm = true
	if len(s.broken) > 0 {
		return s.broken[0]
	}
	s.recover()
	if err := s.close(); err != nil {
		return err
	}
	for quiet := 0; quiet < 4*len(s.processes)+40; {
		s.turn()
		if s.step > maxSteps {
			return fmt.Errorf("seed %d: no rest after %d steps", s.cfg.Seed, s.step)
		}
		if s.answer() {
			quiet = 0
		} else {
			quiet++
		}
		if len(s.broken) > 0 {
			return s.broken[0]
		}
	}
	return nil
}

// note adds a line to the trace.
func (s *simulation) note(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	for _, b := range []byte(line) { // FNV-1a
		s.trace = (s.trace ^ uint64(b)) * 1099511628211
	}
	if s.cfg.Trace != nil {
		s.cfg.Trace(fmt.Sprintf("%6d %s", s.step, line))
	}
}

// chance is true once in n times.
func (s *simulation) chance(n int) bool { return s.rng.IntN(n) == 0 }
