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
	"detour/schemas/sample"
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

	// Count, if set, hears of n more samples that this process put into the log. It is called from several goroutines.
	Count func(path string, outcome sample.Outcome, n int64)
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
	machine := ingest.New(c.Genesis, c.Key, a.Partition.Number, 1, from)
	source := &source{consumer: c, machine: machine, assignment: a, committed: from.Offset}
	if err := source.count(ctx); err != nil {
		return err
	}
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
		if a.Offset >= 0 { // a source of which nothing was ever committed begins where its log does
			c.Logger.Error().Stringer("partition", a.Partition).Int64("from", from.Offset).Int64("to", first).
				Int64("lost", first-from.Offset).Msg("reports are lost: retention removed them before they were read")
			dataflow.Lost(c.Log, a.Partition, first-from.Offset)
		}
		from.Offset = first
	}
	return from, nil
}
