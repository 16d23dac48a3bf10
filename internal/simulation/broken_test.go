package simulation_test

import (
	"context"
	"sync"
	"testing"

	"detour/aggregate"
	aggregator "detour/aggregate/worker"
	"detour/ingest"
	"detour/internal/dataflow"
	"detour/internal/simulation"
	"detour/schemas"
	"detour/schemas/sample"
)

// patience is how many seeds a broken protocol may survive.
const patience = 40

// TestABrokenProtocolIsFound breaks a rule of the protocol on purpose: a simulation that can't see that proves nothing.
func TestABrokenProtocolIsFound(t *testing.T) {
	if slow {
		t.Skip("many runs, and nothing in them that the other tests do not do")
	}
	for name, broken := range map[string]simulation.Stage{
		"ingest commits before it appends":           {Name: "ingest", Copies: 2, Make: commitsFirst},
		"aggregate forgets what it has counted":      {Name: "aggregate", Copies: 2, Make: forgets},
		"decide takes its own tick for the kept one": {Name: "decide", Copies: 2, Make: deaf(schemas.Decisions, simulation.Decide)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stages := simulation.Stages()
			for i := range stages {
				if stages[i].Name == broken.Name {
					stages[i] = broken
				}
			}
			for seed := range uint64(patience) {
				o, err := play(t, simulation.Config{Seed: seed, Stages: stages, PolicyEvery: 20})
				if err != nil || o.Wrong != "" {
					t.Logf("seed %d: %v %v", seed, err, o)
					return
				}
			}
			t.Errorf("%d seeds did not show it", patience)
		})
	}
}

// run is a stage of one machine a partition, made in short.
type run struct {
	env   simulation.Env
	group string
	topic schemas.Topic
	work  func(context.Context, simulation.Env, dataflow.Assignment) error
}

// Run implements simulation.Runner.
func (r run) Run(ctx context.Context) error {
	return r.env.Group.Run(ctx, r.group, r.topic, func(ctx context.Context, a dataflow.Assignment) error {
		return r.work(ctx, r.env, a)
	})
}

// commitsFirst is an ingest that commits what it has read before what that causes is in the log.
func commitsFirst(e simulation.Env) simulation.Runner {
	h := &hasty{Log: e.Log, Group: e.Group, commits: make(map[int32]commit)}
	e.Log, e.Group = h, h
	return simulation.Ingest(e)
}

type commit func(ctx context.Context, offset int64, metadata string) error

// hasty commits the end of every batch of samples before it appends it.
type hasty struct {
	dataflow.Log
	dataflow.Group

	mu      sync.Mutex
	commits map[int32]commit // by source
}

// Run implements dataflow.Group.
func (h *hasty) Run(ctx context.Context, group string, t schemas.Topic, work func(context.Context, dataflow.Assignment) error) error {
	return h.Group.Run(ctx, group, t, func(ctx context.Context, a dataflow.Assignment) error {
		h.mu.Lock()
		h.commits[a.Partition.Number] = a.Commit
		h.mu.Unlock()
		return work(ctx, a)
	})
}

// Append implements dataflow.Log.
func (h *hasty) Append(ctx context.Context, p schemas.Partition, records []schemas.Record) (int64, error) {
	if p.Topic == schemas.Samples {
		b, err := sample.Decode(records[len(records)-1].Value)
		if err != nil {
			return 0, err
		}
		point := ingest.Checkpoint{Heard: true, Origin: b.Head.Origin, Mark: b.Head.Mark}
		metadata, err := point.Metadata()
		if err != nil {
			return 0, err
		}
		h.mu.Lock()
		commit := h.commits[b.Head.Source]
		h.mu.Unlock()
		if err := commit(ctx, b.Head.To, metadata); err != nil {
			return 0, err
		}
	}
	return h.Log.Append(ctx, p, records)
}

// forgets is an aggregate that resumes without the rows' high-waters.
func forgets(e simulation.Env) simulation.Runner {
	return run{e, "aggregate", schemas.Samples, func(ctx context.Context, e simulation.Env, a dataflow.Assignment) error {
		last, end, _, err := aggregator.LastPane(ctx, e.Log, schemas.Partition{Topic: schemas.Windows, Number: a.Partition.Number})
		if err != nil {
			return err
		}
		start := aggregate.FromScratch(0, end)
		if last != nil {
			start = aggregate.FromSeal(&last.Seal, end)
		}
		for i := range start.Resume.Sources {
			start.Resume.Sources[i].Offset = -1
		}
		runner := dataflow.Runner{Log: e.Log, Machine: aggregate.New(e.Genesis, a.Partition.Number, start)}
		return runner.Run(ctx)
	}}
}

// deaf makes a stage whose processes read nothing of topic but what they wrote themselves.
func deaf(topic schemas.Topic, stage func(simulation.Env) simulation.Runner) func(simulation.Env) simulation.Runner {
	return func(e simulation.Env) simulation.Runner {
		e.Log = &deafLog{Log: e.Log, topic: topic}
		return stage(e)
	}
}

type deafLog struct {
	dataflow.Log
	topic schemas.Topic
	wrote []schemas.Record
}

// Append implements dataflow.Log.
func (l *deafLog) Append(ctx context.Context, p schemas.Partition, records []schemas.Record) (int64, error) {
	first, err := l.Log.Append(ctx, p, records)
	if p.Topic == l.topic && err == nil {
		l.wrote = append(l.wrote, records...)
	}
	return first, err
}

// Fetch implements dataflow.Log: what is read back after an append is what was appended.
func (l *deafLog) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	f, err := l.Log.Fetch(ctx, p, offset)
	if p.Topic == l.topic && err == nil && len(l.wrote) > 0 && len(f.Records) > 0 {
		f.Records, l.wrote = l.wrote, nil
		for i := range f.Records {
			f.Records[i].Partition, f.Records[i].Offset = p, offset+int64(i)
		}
	}
	return f, err
}
