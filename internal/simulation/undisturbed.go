package simulation

import (
	"context"
	"fmt"
	"slices"

	"github.com/rs/zerolog"

	aggregator "detour/aggregate/worker"
	"detour/decide"
	decider "detour/decide/worker"
	"detour/ingest"
	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/publish"
	publisher "detour/publish/worker"
	"detour/schemas"
	"detour/schemas/decision"
)

// undisturbed returns the log that one machine a partition, run to its end without a fault, makes of the control records
// and reports of another log.
func (s *simulation) undisturbed() (*memlog.Log, error) {
	ctx := context.Background()
	sizes := make(map[schemas.Topic]int)
	for _, t := range append(schemas.Internal(), schemas.Reports) {
		n, err := s.log.Partitions(ctx, t)
		if err != nil {
			return nil, err
		}
		sizes[t] = n
	}
	log := memlog.New(sizes)
	for _, t := range []schemas.Topic{schemas.Control, schemas.Reports} {
		for i := range sizes[t] {
			if err := copyPartition(ctx, s.log, log, schemas.Partition{Topic: t, Number: int32(i)}); err != nil {
				return nil, err
			}
		}
	}
	records, err := all(s.log, schemas.Partition{Topic: schemas.Decisions})
	if err != nil {
		return nil, err
	}
	return log, s.machines(ctx, &gated{Log: log, reads: controlReads(records)}, sizes)
}

// gated is a log whose control topic ends, for the decider of a tick, where the recorded tick of that number had read it
// to: when a policy was noticed is input, as in detour verify.
type gated struct {
	*memlog.Log
	reads []int64 // by tick
	ticks int     // made so far
}

// Bounds implements dataflow.Log.
func (g *gated) Bounds(ctx context.Context, p schemas.Partition) (start, end int64, err error) {
	start, end, err = g.Log.Bounds(ctx, p)
	if p.Topic == schemas.Control && g.ticks < len(g.reads) {
		end = g.reads[g.ticks]
	}
	return start, end, err
}

// Fetch implements dataflow.Log.
func (g *gated) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	f, err := g.Log.Fetch(ctx, p, offset)
	_, end, _ := g.Bounds(ctx, p)
	f.Records = slices.DeleteFunc(f.Records, func(r schemas.Record) bool { return r.Offset >= end })
	f.Next = min(f.Next, end)
	return f, err
}

// Append implements dataflow.Log.
func (g *gated) Append(ctx context.Context, p schemas.Partition, records []schemas.Record) (int64, error) {
	for i := range records {
		if b, err := decision.Decode(records[i].Value); p.Topic == schemas.Decisions && err == nil && b.Head.Tick != nil {
			g.ticks++
		}
	}
	return g.Log.Append(ctx, p, records)
}

// machines runs stage after stage.
func (s *simulation) machines(ctx context.Context, log dataflow.Log, sizes map[schemas.Topic]int) error {
	for i := range sizes[schemas.Reports] {
		m := ingest.New(&s.genesis, Key, int32(i), sizes[schemas.Reports], ingest.Checkpoint{})
		if err := pump(ctx, log, m); err != nil {
			return err
		}
	}
	for i := range sizes[schemas.Samples] {
		worker := aggregator.Worker{Genesis: &s.genesis, Log: log, Logger: zerolog.Nop()}
		m, err := worker.Resume(ctx, int32(i))
		if err != nil {
			return err
		}
		if err := pump(ctx, log, m); err != nil {
			return err
		}
	}
	d, err := decider.Resume(ctx, log, s.genesis, decide.Config{}, zerolog.Nop())
	if err != nil {
		return err
	}
	if err := pump(ctx, log, d); err != nil {
		return err
	}
	p, err := publisher.Resume(ctx, log, s.genesis, publish.Config{}, zerolog.Nop())
	if err != nil {
		return err
	}
	return pump(ctx, log, p)
}

func copyPartition(ctx context.Context, from, to dataflow.Log, p schemas.Partition) error {
	start, end, err := from.Bounds(ctx, p)
	if err != nil {
		return err
	}
	records, err := dataflow.Range(ctx, from, p, start, end)
	if err != nil || len(records) == 0 {
		return err
	}
	_, err = to.Append(ctx, p, records)
	return err
}

// pump runs a machine until it waits for what is not there.
func pump(ctx context.Context, log dataflow.Log, m schemas.Machine) error {
	for {
		in := m.Next()
		_, end, err := log.Bounds(ctx, in.Partition)
		if err != nil {
			return err
		}
		f := dataflow.Fetched{Next: in.Offset}
		if end > in.Offset {
			if f, err = log.Fetch(ctx, in.Partition, in.Offset); err != nil {
				return err
			}
		} else if in.Wait {
			return nil
		}
		out, err := m.Apply(f.Records, f.Next)
		if err != nil {
			return fmt.Errorf("undisturbed, %s@%d: %w", in.Partition, in.Offset, err)
		}
		for i := range out {
			if _, err := log.Append(ctx, out[i].Partition, out[i:i+1]); err != nil {
				return err
			}
		}
	}
}
