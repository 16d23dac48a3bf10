package dataflow

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/rs/zerolog"

	"detour/schemas"
)

// Sole runs the machine of a stage that has one active member: the one that the group gives the control topic's only
// partition. The others stand by.
type Sole struct {
	Group   string // consumer group, one a stage
	Log     Log
	Members Group
	Resume  func(context.Context) (schemas.Machine, error) // the machine as the log leaves it
	Input   schemas.Topic                                  // whose position Position tells
	Logger  zerolog.Logger

	position atomic.Int64
	active   atomic.Bool
}

// Active reports whether this member works: it was chosen, and its machine goes on where the log leaves it.
func (s *Sole) Active() bool { return s.active.Load() }

// Run stands by or works until ctx ends.
func (s *Sole) Run(ctx context.Context) error {
	return s.Members.Run(ctx, s.Group, schemas.Control, s.work)
}

// Position returns the offset that the active machine, if it is this one, reads next in partition 0 of its input.
// Everything below it was applied, and what it caused is in the log.
func (s *Sole) Position() int64 { return s.position.Load() }

// work runs machine after machine: one that another writer overtook is followed by one that resumes behind it.
func (s *Sole) work(ctx context.Context, _ Assignment) error {
	for {
		err := s.run(ctx)
		if !errors.Is(err, schemas.ErrSuperseded) {
			return err
		}
		s.Logger.Warn().Err(err).Msg("overtaken, resuming behind it")
	}
}

func (s *Sole) run(ctx context.Context) error {
	machine, err := s.Resume(ctx)
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	s.Logger.Info().Msg("active")
	s.active.Store(true)
	defer s.active.Store(false)
	note := func(context.Context) error {
		if in := machine.Next(); in.Partition == (schemas.Partition{Topic: s.Input}) {
			s.position.Store(in.Offset)
		}
		return nil
	}
	runner := Runner{Log: s.Log, Machine: machine, Applied: note}
	return runner.Run(ctx)
}
