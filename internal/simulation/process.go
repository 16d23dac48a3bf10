package simulation

import (
	"context"
	"errors"
	"fmt"

	"detour/internal/dataflow"
)

// process is one life of one copy of a stage.
type process struct {
	id    int
	stage *Stage
	stop  context.CancelFunc // as SIGTERM does
	outer context.Context    // of the run

	pausedUntil int // step
	restartAt   int // step, once it has ended

	// Guarded by simulation.mu.
	dead bool // killed: nothing that it still tries has an effect
	over bool // its Run has returned
}

func (p *process) String() string { return fmt.Sprintf("%s#%d", p.stage.Name, p.id) }

func (p *process) running() bool { return p.restartAt == 0 }

// launch starts a process.
func (s *simulation) launch(ctx context.Context, stage *Stage) {
	life, stop := context.WithCancel(ctx)
	p := &process{id: len(s.processes), stage: stage, stop: stop, outer: ctx}
	s.processes = append(s.processes, p)
	s.start(life, p)
}

func (s *simulation) start(life context.Context, p *process) {
	genesis := s.genesis
	runner := p.stage.Make(Env{
		Log: processLog{s, p}, Group: processGroup{s, p}, Genesis: &genesis,
		Logger: s.cfg.Logger.With().Stringer("process", p).Logger(),
	})
	if o, ok := runner.(*observedStore); ok {
		s.stores = append(s.stores, o)
	}
	go func() {
		err := runner.Run(life)
		s.mu.Lock()
		defer s.mu.Unlock()
		p.over = true
		if fatal := (dataflow.Fatal{}); errors.As(err, &fatal) && life.Err() == nil && !p.dead {
			s.broken = append(s.broken, fmt.Errorf("%s ended: %w", p, err))
		}
	}()
}

// crash kills a process: calls that it waits for are lost, or do what they would have done without its knowing.
func (s *simulation) crash(p *process) {
	if !p.running() {
		return
	}
	doing := "while it reads or computes"
	for _, o := range s.waiting() {
		if o.proc != p {
			continue
		}
		switch {
		case o.kind == appending && o.landed:
			doing = "after an append, before it knows"
		case o.kind == appending && o.begun:
			doing = "between the chunks of an append"
		case o.kind == appending:
			doing = "before an append"
		case o.kind == committing:
			doing = "after its appends, before the commit"
		}
	}
	s.faults.count("crash of " + p.stage.Name + " " + doing)
	s.note("%s crashes %s", p, doing)
	s.mu.Lock()
	p.dead = true
	s.mu.Unlock()
	s.evict(p)
	p.stop()
}

// revive starts processes again some time after they ended.
func (s *simulation) revive() {
	for i, p := range s.processes {
		s.mu.Lock()
		over := p.over
		s.mu.Unlock()
		switch {
		case p.outer.Err() != nil || !over:
		case p.restartAt == 0:
			p.restartAt = s.step + 1 + s.rng.IntN(60)
		case p.restartAt <= s.step || s.cfg.Calm:
			life, stop := context.WithCancel(p.outer)
			next := &process{id: p.id + 1000, stage: p.stage, stop: stop, outer: p.outer}
			s.processes[i] = next
			s.note("%s starts", next)
			s.start(life, next)
		}
	}
}

// recover ends what still holds processes back.
func (s *simulation) recover() {
	for _, p := range s.processes {
		p.pausedUntil = 0
	}
	for i := range s.late {
		s.late[i].step = min(s.late[i].step, s.step+5)
	}
}

// breach ends the run with an error.
func (s *simulation) breach(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = append(s.broken, fmt.Errorf(format, args...))
}
