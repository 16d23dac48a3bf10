package replay

import (
	"context"
	"fmt"
	"testing"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"detour/aggregate"
	aggregator "detour/aggregate/worker"
	"detour/decide"
	decider "detour/decide/worker"
	"detour/internal/dataflow"
	"detour/publish"
	"detour/publish/fleet"
	publisher "detour/publish/worker"
	"detour/schemas"
)

// BenchmarkResume measures how long each stage takes, after a crash, from nothing to where the dead one was: to the read
// that waits for new records. What finds out that a member is dead (kafka.session_timeout) comes before that.
// docs/performance.md has the figures.
func BenchmarkResume(b *testing.B) {
	if testing.Short() {
		b.Skip("building the log takes a minute")
	}
	c := newCrashed(b)
	c.tell(b)
	b.Run("ingest", c.ingest)
	b.Run("aggregate-1", func(b *testing.B) { c.aggregate(b, 1) })
	b.Run("aggregate-4", func(b *testing.B) { c.aggregate(b, c.genesis.Samples) })
	b.Run("decide", c.decide)
	b.Run("publish", c.publish)
	b.Run("fleet", c.fleet)
}

func (c *crashed) aggregate(b *testing.B, partitions int) {
	c.measure(b, func(ctx context.Context, log dataflow.Log) (any, error) {
		machines := make([]*aggregate.Machine, partitions)
		g, ctx := errgroup.WithContext(ctx)
		for i := range machines {
			g.Go(func() (err error) {
				if machines[i], err = aggregator.Resume(ctx, log, &c.genesis, int32(i), zerolog.Nop()); err != nil {
					return err
				}
				return catchUp(ctx, log, machines[i])
			})
		}
		return machines, g.Wait()
	})
}

func (c *crashed) decide(b *testing.B) {
	c.measure(b, func(ctx context.Context, log dataflow.Log) (any, error) {
		m, err := decider.Resume(ctx, log, c.genesis, decide.Config{}, zerolog.Nop())
		if err != nil {
			return nil, err
		}
		return m, catchUp(ctx, log, m)
	})
}

func (c *crashed) publish(b *testing.B) {
	c.measure(b, func(ctx context.Context, log dataflow.Log) (any, error) {
		m, err := publisher.Resume(ctx, log, c.genesis, publish.Config{}, zerolog.Nop())
		if err != nil {
			return nil, err
		}
		return m, catchUp(ctx, log, m)
	})
}

// fleet measures until the first answer could be given.
func (c *crashed) fleet(b *testing.B) {
	entries := 0
	c.measure(b, func(ctx context.Context, log dataflow.Log) (any, error) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		store := fleet.NewStore(log, zerolog.Nop())
		_, first := store.Last()
		g, ctx := errgroup.WithContext(ctx)
		g.Go(func() error { return store.Follow(ctx) })
		select {
		case <-first:
		case <-ctx.Done(): // Follow's error has ended it
		}
		stop()
		v, _ := store.Last()
		if v == nil || v.Manifest.Entries < resolvers/4 {
			return nil, fmt.Errorf("it serves %+v", v)
		}
		entries = v.Manifest.Entries
		return store, g.Wait()
	})
	b.ReportMetric(float64(entries), "entries")
}

// catchUp lets a machine read until it waits for what is not there. What a dead one left is all in the log: a machine
// that appends something has forgotten it.
func catchUp(ctx context.Context, log dataflow.Log, m schemas.Machine) error {
	ends := make(map[schemas.Partition]int64)
	for {
		in := m.Next()
		end, known := ends[in.Partition]
		if !known {
			var err error
			if _, end, err = log.Bounds(ctx, in.Partition); err != nil {
				return err
			}
			ends[in.Partition] = end
		}
		f := dataflow.Fetched{Next: in.Offset}
		if in.Offset >= end && in.Wait {
			return nil
		}
		if in.Offset < end {
			var err error
			if f, err = log.Fetch(ctx, in.Partition, in.Offset); err != nil {
				return err
			}
		}
		if out, err := m.Apply(f.Records, f.Next); err != nil || len(out) > 0 {
			return fmt.Errorf("%s@%d: %d records to append, %v", in.Partition, in.Offset, len(out), err)
		}
	}
}
