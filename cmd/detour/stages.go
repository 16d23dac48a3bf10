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
	"detour/internal/metrics"
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
	watched *watched // nil where nobody watches
}

func (p *pipeline) named(stage string) zerolog.Logger {
	return p.logger.With().Str("stage", stage).Logger()
}

func (p *pipeline) ingest(key ingest.ClientKey) *consumer.Consumer {
	log, members, _ := p.watch(metrics.Ingest, schemas.Reports)
	c := &consumer.Consumer{
		Config:  p.cfg.Ingest,
		Genesis: &p.cfg.Genesis,
		Key:     key,
		Group:   p.cfg.group("ingest"),
		Log:     log,
		Members: members,
		Logger:  p.named("ingest"),
	}
	if p.watched != nil {
		c.Count = p.watched.metrics.Samples(p.cfg.Genesis.Paths)
	}
	return c
}

func (p *pipeline) aggregate() *aggregator.Worker {
	log, members, _ := p.watch(metrics.Aggregate, schemas.Samples)
	w := &aggregator.Worker{
		Genesis: &p.cfg.Genesis,
		Group:   p.cfg.group("aggregate"),
		Log:     log,
		Members: members,
		Logger:  p.named("aggregate"),
	}
	if p.watched != nil {
		w.Reached = p.watched.metrics.Watermark
	}
	return w
}

func (p *pipeline) decide() *dataflow.Sole {
	logger := p.named("decide")
	log, members, stage := p.watch(metrics.Decide, schemas.Control, schemas.Windows)
	s := &dataflow.Sole{
		Group:   p.cfg.group("decide"),
		Log:     log,
		Members: members,
		Input:   schemas.Windows,
		Logger:  logger,
		Resume: func(ctx context.Context) (schemas.Machine, error) {
			m, err := decider.Resume(ctx, log, p.cfg.Genesis, decide.Config{}, logger)
			if err != nil {
				return nil, err
			}
			return p.watched.decisions(m), nil
		},
	}
	p.watched.sole(stage, s)
	return s
}

func (p *pipeline) publish(key ed25519.PrivateKey) *dataflow.Sole {
	logger := p.named("publish")
	log, members, stage := p.watch(metrics.Publish, schemas.Control, schemas.Decisions)
	s := &dataflow.Sole{
		Group:   p.cfg.group("publish"),
		Log:     log,
		Members: members,
		Input:   schemas.Decisions,
		Logger:  logger,
		Resume: func(ctx context.Context) (schemas.Machine, error) {
			return publisher.Resume(ctx, log, p.cfg.Genesis, publish.Config{Code: version, Key: key}, logger)
		},
	}
	p.watched.sole(stage, s)
	return s
}

// store returns the store of map versions, and what fills it.
func (p *pipeline) store() (*fleet.Store, runner) {
	log, _, stage := p.watch(metrics.Fleet, schemas.Maps)
	store := fleet.NewStore(log, p.logger)
	p.watched.served(store)
	return store, runFunc(func(ctx context.Context) error {
		if stage == nil {
			return store.Follow(ctx)
		}
		ctx, end := stage.Loop(ctx, "maps/0")
		defer end()
		return store.Follow(ctx)
	})
}

func (p *pipeline) fleet(store *fleet.Store) *fleet.Server {
	s := fleet.New(p.cfg.Publish.Fleet, store, p.logger)
	if p.watched != nil {
		s.Answered = p.watched.metrics.Fleet()
	}
	return s
}

func (p *pipeline) history(store *history.Store) *history.History {
	log, members, stage := p.watch(metrics.History, schemas.Windows, schemas.Decisions, schemas.Maps)
	h := history.New(store, history.Deps{Log: log, Group: members, Prefix: p.cfg.Topics.Prefix, Genesis: p.cfg.Genesis})
	p.watched.history(stage, store, h)
	return h
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
