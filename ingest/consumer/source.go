package consumer

import (
	"context"
	"fmt"
	"time"

	"detour/ingest"
	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/sample"
)

// source is the shell's side of one machine: when it last committed and last told the time.
type source struct {
	consumer   *Consumer
	machine    *ingest.Machine
	assignment dataflow.Assignment
	committed  int64
	lastCommit time.Time
	lastBeat   time.Time
	counted    ingest.Tally
}

// applied is called when what was read took effect: now and then it commits, and counts the sources. A machine that looks
// ahead for what time it is, and has seen all there is, gets a heartbeat: one that is never idle would wait for long.
func (s *source) applied(ctx context.Context) error {
	s.tell()
	if time.Since(s.lastCommit) >= s.consumer.Config.CommitEvery {
		if err := s.commit(ctx); err != nil {
			return err
		}
	}
	if !s.machine.Undecided() || !s.beatDue() {
		return nil
	}
	in := s.machine.Next()
	_, end, err := s.consumer.Log.Bounds(ctx, in.Partition)
	if err != nil {
		return fmt.Errorf("bounds of %s: %w", in.Partition, err)
	}
	if end > in.Offset {
		return nil
	}
	return s.beat(ctx)
}

// tell passes on what the machine counted since the last time.
func (s *source) tell() {
	now := s.machine.Tally()
	if s.consumer.Count == nil || now == s.counted {
		return
	}
	for i, path := range s.consumer.Genesis.Paths {
		for outcome, n := range now[i] {
			if more := n - s.counted[i][outcome]; more > 0 {
				s.consumer.Count(path.ID, sample.Outcome(outcome), more)
			}
		}
	}
	s.counted = now
}

func (s *source) commit(ctx context.Context) error {
	point := s.machine.Checkpoint()
	if point.Offset == s.committed {
		return nil
	}
	metadata, err := point.Metadata()
	if err != nil {
		return err
	}
	if err := s.assignment.Commit(ctx, point.Offset, metadata); err != nil {
		return fmt.Errorf("commit %s@%d: %w", s.assignment.Partition, point.Offset, err)
	}
	s.committed, s.lastCommit = point.Offset, time.Now()
	return s.count(ctx)
}

// count tells the machine how many sources there are. What was known at the start may have been a view of the cluster
// from before partitions were added.
func (s *source) count(ctx context.Context) error {
	sources, err := s.consumer.Log.Partitions(ctx, schemas.Reports)
	if err != nil {
		return fmt.Errorf("partitions of %s: %w", schemas.Reports, err)
	}
	s.machine.Grow(max(sources, int(s.assignment.Partition.Number)+1)) // the group may know of a partition before the log does
	return nil
}

// idle is called at the end of the source: it commits what is left, and appends a heartbeat to it.
func (s *source) idle(ctx context.Context, _ schemas.Partition) error {
	if err := s.commit(ctx); err != nil {
		return err
	}
	if !s.beatDue() {
		return nil
	}
	return s.beat(ctx)
}

func (s *source) beatDue() bool {
	every := s.consumer.Config.Heartbeat
	return every > 0 && time.Since(s.lastBeat) >= every
}

// beat appends a heartbeat to a source that was read to its end.
func (s *source) beat(ctx context.Context) error {
	s.lastBeat = time.Now()
	p := s.assignment.Partition
	if _, err := s.consumer.Log.Append(ctx, p, []schemas.Record{schemas.Heartbeat(p, s.lastBeat.UnixMilli())}); err != nil {
		return fmt.Errorf("append a heartbeat to %s: %w", p, err)
	}
	return nil
}
