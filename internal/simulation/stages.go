package simulation

import (
	"context"
	"sync"
	"time"

	aggregator "detour/aggregate/worker"
	"detour/decide"
	decider "detour/decide/worker"
	"detour/ingest"
	"detour/ingest/consumer"
	"detour/internal/dataflow"
	"detour/publish"
	"detour/publish/fleet"
	publisher "detour/publish/worker"
	"detour/schemas"
)

// Key hashes the clients of a simulation.
var Key = ingest.ClientKey("the key of every simulation")

// Small chunks, so that panes, ticks and versions are cut into several.
const (
	windowBytes  = 2000
	decisionRows = 3
	mapBytes     = 60
)

// Stages returns all stages as they are run, two processes of each, and one replica of the fleet's server.
func Stages() []Stage {
	return []Stage{
		{"ingest", 2, Ingest}, {"aggregate", 2, Aggregate}, {"decide", 2, Decide}, {"publish", 2, Publish}, {"fleet", 1, Fleet},
	}
}

// Ingest makes an ingest process.
func Ingest(e Env) Runner {
	return &consumer.Consumer{
		Config:  consumer.Config{Heartbeat: 200 * time.Millisecond, CommitEvery: 500 * time.Millisecond},
		Genesis: e.Genesis, Key: Key, Group: "ingest", Log: e.Log, Members: e.Group, Logger: e.Logger,
	}
}

// Aggregate makes an aggregate process.
func Aggregate(e Env) Runner {
	return &aggregator.Worker{
		Genesis: e.Genesis, Group: "aggregate", Log: e.Log, Members: e.Group, Logger: e.Logger, ChunkBytes: windowBytes,
	}
}

// Decide makes a decide process.
func Decide(e Env) Runner {
	return &dataflow.Sole{
		Group: "decide", Log: e.Log, Members: e.Group, Input: schemas.Windows, Logger: e.Logger,
		Resume: func(ctx context.Context) (schemas.Machine, error) {
			return decider.Resume(ctx, e.Log, *e.Genesis, decide.Config{ChunkRows: decisionRows}, e.Logger)
		},
	}
}

// Publish makes a publish process.
func Publish(e Env) Runner {
	return &dataflow.Sole{
		Group: "publish", Log: e.Log, Members: e.Group, Input: schemas.Decisions, Logger: e.Logger,
		Resume: func(ctx context.Context) (schemas.Machine, error) {
			return publisher.Resume(ctx, e.Log, *e.Genesis, publish.Config{Code: "simulation", ChunkBytes: mapBytes}, e.Logger)
		},
	}
}

// Fleet makes a replica that serves maps.
func Fleet(e Env) Runner { return &observedStore{store: fleet.NewStore(e.Log, e.Logger)} }

// observedStore is a replica whose last version the observer asks for.
type observedStore struct {
	store *fleet.Store
	mu    sync.Mutex
	over  bool
}

// Run implements Runner.
func (o *observedStore) Run(ctx context.Context) error {
	err := o.store.Follow(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	return err
}

// serves returns what the replica offers the fleet now; false for nothing.
func (o *observedStore) serves() (version, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	last, _ := o.store.Last()
	if o.over || last == nil {
		return version{}, false
	}
	return version{last.Manifest.Version, last.Manifest.Digest, last.Manifest.Pane}, true
}
