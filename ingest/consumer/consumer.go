// Package consumer is ingest's shell: it runs one ingest machine for every partition of the reports topic that the
// consumer group assigns to this process, commits what is done, and tells an idle source's time.
package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"detour/ingest"
	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/control"
)

// Config is what a deployment may set.
type Config struct {
	Heartbeat   time.Duration `yaml:"heartbeat"`    // least time between heartbeats of an idle source; 0 = none, as for a replay
	CommitEvery time.Duration `yaml:"commit_every"` // how often positions are committed
}

// Default returns the settings for live traffic.
func Default() Config {
	return Config{Heartbeat: 10 * time.Second, CommitEvery: time.Second}
}

// Validate names the first setting that cannot be.
func (c *Config) Validate() error {
	switch {
	case c.Heartbeat < 0 || c.Heartbeat > 0 && c.Heartbeat < 100*time.Millisecond:
		return fmt.Errorf("heartbeat is %s, it has to be 0 or at least 100ms", c.Heartbeat)
	case c.CommitEvery < 0 || c.CommitEvery > time.Minute:
		return fmt.Errorf("commit_every is %s, it has to be 0s to 1m", c.CommitEvery)
	}
	return nil
}

// Consumer ingests the sources that it is assigned.
type Consumer struct {
	Config  Config
	Genesis *control.Genesis
	Key     ingest.ClientKey
	Group   string // consumer group
	Log     dataflow.Log
	Members dataflow.Group
	Logger  zerolog.Logger
}

// Run ingests until ctx ends.
func (c *Consumer) Run(ctx context.Context) error {
	return c.Members.Run(ctx, c.Group, schemas.Reports, c.work)
}

// work ingests one source for as long as it is assigned.
func (c *Consumer) work(ctx context.Context, a dataflow.Assignment) error {
	from, err := c.start(ctx, a)
	if err != nil {
		return err
	}
	sources, err := c.Log.Partitions(ctx, schemas.Reports)
	if err != nil {
		return fmt.Errorf("partitions of %s: %w", schemas.Reports, err)
	}
	sources = max(sources, int(a.Partition.Number)+1) // the log may not yet know of a partition that the group does
	machine := ingest.New(c.Genesis, c.Key, a.Partition.Number, sources, from)
	source := &source{consumer: c, machine: machine, assignment: a, committed: from.Offset}
	c.Logger.Info().Stringer("partition", a.Partition).Int64("offset", from.Offset).Msg("ingesting")
	runner := dataflow.Runner{Log: c.Log, Machine: machine, Applied: source.applied, Idle: source.idle}
	return runner.Run(ctx)
}

// start returns where to go on: what was committed, or the first record there is.
func (c *Consumer) start(ctx context.Context, a dataflow.Assignment) (ingest.Checkpoint, error) {
	from, err := ingest.ParseCheckpoint(a.Offset, a.Metadata)
	if err != nil {
		return from, dataflow.Fatal{Err: fmt.Errorf("resume %s: %w", a.Partition, err)}
	}
	first, end, err := c.Log.Bounds(ctx, a.Partition)
	if err != nil {
		return from, fmt.Errorf("bounds of %s: %w", a.Partition, err)
	}
	switch {
	case from.Offset > end:
		return from, dataflow.Fatal{Err: fmt.Errorf("resume %s: %d was committed, the log ends at %d: was the topic made anew? "+
			"Then it is another source: set source_id and a new topic prefix", a.Partition, from.Offset, end)}
	case from.Offset < first:
		if from.Heard {
			c.Logger.Error().Stringer("partition", a.Partition).Int64("from", from.Offset).Int64("to", first).
				Msg("reports are lost: retention removed them before they were read")
		}
		from.Offset = first
	}
	return from, nil
}

// source is the shell's side of one machine: when it last committed and last told the time.
type source struct {
	consumer   *Consumer
	machine    *ingest.Machine
	assignment dataflow.Assignment
	committed  int64
	lastCommit time.Time
	lastBeat   time.Time
}

func (s *source) applied(ctx context.Context) error {
	if time.Since(s.lastCommit) < s.consumer.Config.CommitEvery {
		return nil
	}
	return s.commit(ctx)
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
	return nil
}

// idle is called at the end of the source: it commits what is left, and appends a heartbeat to it.
func (s *source) idle(ctx context.Context, p schemas.Partition) error {
	if err := s.commit(ctx); err != nil {
		return err
	}
	every := s.consumer.Config.Heartbeat
	if every == 0 || time.Since(s.lastBeat) < every {
		return nil
	}
	s.lastBeat = time.Now()
	if _, err := s.consumer.Log.Append(ctx, p, []schemas.Record{schemas.Heartbeat(p, s.lastBeat.UnixMilli())}); err != nil {
		return fmt.Errorf("append a heartbeat to %s: %w", p, err)
	}
	return nil
}
