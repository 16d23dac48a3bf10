package backtest

import (
	"context"
	"fmt"

	"detour/decide"
	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// side is one decider. What it writes it reads back from memory.
type side struct {
	machine *decide.Machine
	control []schemas.Record
	limit   func(pane int64) int64 // how far control had been read when a pane was decided
	last    bool                   // nobody reads after it
	own     []schemas.Record       // the decisions topic, from offset base
	base    int64
	ticks   decision.Assembler
	next    int64 // the pane to be decided next; window.NoPane before the first
	length  int64
}

// side returns a decider that reads a control topic.
func (in *input) side(control []schemas.Record, limit func(int64) int64, last bool) *side {
	s := &side{
		machine: decide.New(*in.genesis, 0), control: control, limit: limit, last: last, next: window.NoPane, length: in.genesis.Pane,
	}
	for i, start := range in.starts {
		if start > 0 {
			s.machine.Overrun(i, start)
		}
	}
	return s
}

// tick lets the decider go on to its next tick; nil at the log's end.
func (s *side) tick(ctx context.Context, in *input) (*decision.Whole, error) {
	for {
		at := s.machine.Next()
		f, err := s.fetch(ctx, in, at)
		if err != nil || at.Wait && f.Next == at.Offset {
			return nil, err
		}
		out, err := s.machine.Apply(f.Records, f.Next)
		if err != nil {
			return nil, fmt.Errorf("decide again at %s@%d: %w", at.Partition, at.Offset, err)
		}
		if w, err := s.keep(out); w != nil || err != nil {
			return w, err
		}
	}
}

func (s *side) fetch(ctx context.Context, in *input, at schemas.Input) (dataflow.Fetched, error) {
	switch at.Partition.Topic {
	case schemas.Control:
		return s.controls(in, at), nil
	case schemas.Decisions:
		return s.back(at), nil
	}
	return in.windows(ctx, at.Partition.Number, at.Offset, s.last)
}

// controls returns what control held when the next pane was decided, and the first policy in any case.
func (s *side) controls(in *input, at schemas.Input) dataflow.Fetched {
	f := dataflow.Fetched{Next: at.Offset}
	limit := int64(0)
	if pane := s.due(in); pane != window.NoPane {
		limit = s.limit(pane)
	}
	for _, r := range s.control {
		if r.Offset >= at.Offset && (at.Wait || r.Offset < limit) {
			f.Records, f.Next = append(f.Records, r), r.Offset+1
		}
		if at.Wait && len(f.Records) > 0 {
			break // one by one, until the machine has a policy
		}
	}
	return f
}

// due returns the pane that is decided next, as far as it is known.
func (s *side) due(in *input) int64 {
	pane := s.next
	if pane == window.NoPane {
		for start := range in.ready {
			if pane == window.NoPane || start < pane {
				pane = start
			}
		}
	}
	return pane
}

// back returns what the decider wrote.
func (s *side) back(at schemas.Input) dataflow.Fetched {
	if drop := at.Offset - s.base; drop > 0 {
		s.own, s.base = s.own[drop:], at.Offset
	}
	return dataflow.Fetched{Records: s.own, Next: s.base + int64(len(s.own))}
}

// keep takes what the decider caused, and returns the tick that it completes.
func (s *side) keep(out []schemas.Record) (done *decision.Whole, err error) {
	for i := range out {
		r := out[i]
		if r.Partition.Topic != schemas.Decisions {
			continue // a reject: the log has its own
		}
		r.Offset = s.base + int64(len(s.own))
		s.own = append(s.own, r)
		b, err := decision.Decode(r.Value)
		if err != nil {
			return nil, err
		}
		if done, err = s.ticks.Add(b); err != nil {
			return nil, err
		}
	}
	if done != nil {
		s.ticks.Skip(done.Pane)
		s.next = done.Pane + s.length
	}
	return done, nil
}
