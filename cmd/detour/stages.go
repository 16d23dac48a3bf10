package main

import (
	"context"
	"crypto/ed25519"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	aggregator "detour/aggregate/worker"
	"detour/decide"
	decider "detour/decide/worker"
	"detour/ingest"
	"detour/ingest/consumer"
	"detour/internal/dataflow"
	"detour/internal/kafkalog"
	"detour/publish"
	"detour/publish/fleet"
	"detour/publish/history"
	publisher "detour/publish/worker"
	"detour/schemas"
)

// pipeline is what every stage is built from: one log, the settings, a logger. The demo builds all stages from one
// pipeline, each stage's command builds its own.
type pipeline struct {
	cfg     *Config
	kafka   *kafkalog.Client // what only Kafka has: topics to make and to check
	log     dataflow.Log
	members dataflow.Group
	logger  zerolog.Logger
}

func (p *pipeline) named(stage string) zerolog.Logger {
	return p.logger.With().Str("stage", stage).Logger()
}

func (p *pipeline) ingest(key ingest.ClientKey) *consumer.Consumer {
	return &consumer.Consumer{
		Config:  p.cfg.Ingest,
		Genesis: &p.cfg.Genesis,
		Key:     key,
		Group:   p.cfg.group("ingest"),
		Log:     p.log,
		Members: p.members,
		Logger:  p.named("ingest"),
	}
}

func (p *pipeline) aggregate() *aggregator.Worker {
	return &aggregator.Worker{
		Genesis: &p.cfg.Genesis,
		Group:   p.cfg.group("aggregate"),
		Log:     p.log,
		Members: p.members,
		Logger:  p.named("aggregate"),
	}
}

func (p *pipeline) decide() *dataflow.Sole {
	logger := p.named("decide")
	return &dataflow.Sole{
		Group:   p.cfg.group("decide"),
		Log:     p.log,
		Members: p.members,
		Input:   schemas.Windows,
		Logger:  logger,
		Resume: func(ctx context.Context) (schemas.Machine, error) {
			return decider.Resume(ctx, p.log, p.cfg.Genesis, decide.Config{}, logger)
		},
	}
}

func (p *pipeline) publish(key ed25519.PrivateKey) *dataflow.Sole {
	logger := p.named("publish")
	return &dataflow.Sole{
		Group:   p.cfg.group("publish"),
		Log:     p.log,
		Members: p.members,
		Input:   schemas.Decisions,
		Logger:  logger,
		Resume: func(ctx context.Context) (schemas.Machine, error) {
			return publisher.Resume(ctx, p.log, p.cfg.Genesis, publish.Config{Code: version, Key: key}, logger)
		},
	}
}

func (p *pipeline) store() *fleet.Store { return fleet.NewStore(p.log, p.logger) }

func (p *pipeline) fleet(store *fleet.Store) *fleet.Server {
	return fleet.New(p.cfg.Publish.Fleet, store, p.logger)
}

func (p *pipeline) history(store *history.Store) *history.History {
	return history.New(store, history.Deps{Log: p.log, Group: p.members, Prefix: p.cfg.Topics.Prefix, Genesis: p.cfg.Genesis})
}

// runner is a component: Run blocks until ctx ends or it fails.
type runner interface {
	Run(ctx context.Context) error
}

// runFunc makes a component of a function.
type runFunc func(ctx context.Context) error

// Run calls f.
func (f runFunc) Run(ctx context.Context) error { return f(ctx) }

// runAll runs components until ctx ends or one fails, which ends the others.
func runAll(ctx context.Context, components ...runner) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, c := range components {
		g.Go(func() error { return c.Run(ctx) })
	}
	return g.Wait()
}
