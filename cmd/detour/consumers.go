package main

import (
	"context"
	"crypto/ed25519"

	"github.com/rs/zerolog"

	"detour/internal/memory"
	publisher "detour/publish/worker"
	"detour/schemas"
	"detour/schemas/control"
)

// The four consumers. Each runs until SIGTERM, waits for Kafka if it is not there, and goes on where the log says that
// an earlier process stopped.
var (
	ingestCommand = consumerCommand("ingest", "turn reports into samples",
		"Reads the reports topic as one of a consumer group: start as many as you like, up to its partitions.",
		func(cfg *Config, logger zerolog.Logger) (func(*pipeline) []runner, error) {
			key, err := cfg.clientKey()
			if err != nil {
				return nil, err
			}
			cfg.Genesis.ClientKey = key.Fingerprint()
			return func(p *pipeline) []runner { return []runner{p.ingest(key)} }, nil
		})
	aggregateCommand = consumerCommand("aggregate", "turn samples into windows, pane by pane",
		"Reads the samples topic as one of a consumer group: start as many as you like, up to its partitions.",
		func(*Config, zerolog.Logger) (func(*pipeline) []runner, error) {
			return func(p *pipeline) []runner { return []runner{p.aggregate()} }, nil
		})
	decideCommand = consumerCommand("decide", "choose a path for every resolver",
		"One process decides; start a second one to stand by.",
		func(*Config, zerolog.Logger) (func(*pipeline) []runner, error) {
			return func(p *pipeline) []runner { return []runner{p.decide()} }, nil
		})
	publishCommand = consumerCommand("publish", "publish map versions to the DNS fleet and to ClickHouse",
		"One process publishes, and every one serves maps over HTTP and shares the work of writing history to ClickHouse.",
		func(cfg *Config, logger zerolog.Logger) (func(*pipeline) []runner, error) {
			var key ed25519.PrivateKey
			if path := cfg.Publish.SigningKeyFile; path != "" {
				var err error
				if key, err = publisher.LoadKey(path); err != nil {
					return nil, configErrorf("publish.signing_key_file: %w", err)
				}
			}
			database, err := cfg.database(logger)
			if err != nil {
				return nil, err
			}
			return func(p *pipeline) []runner {
				store, follow := p.store()
				all := []runner{p.publish(key), follow, p.fleet(store)}
				if database != nil {
					all = append(all, p.history(database))
				}
				return all
			}, nil
		})
)

// uses lists the topics that each consumer reads and writes: it asks about no other, and needs no right to.
var uses = map[string][]schemas.Topic{
	"ingest":    {schemas.Control, schemas.Reports, schemas.Samples, schemas.Rejects},
	"aggregate": {schemas.Control, schemas.Samples, schemas.Windows, schemas.Rejects},
	"decide":    {schemas.Control, schemas.Windows, schemas.Decisions, schemas.Rejects},
	"publish":   {schemas.Control, schemas.Windows, schemas.Decisions, schemas.Maps, schemas.Rejects},
}

// consumerCommand returns the command of one consumer. Configure checks what it needs before anything is connected.
func consumerCommand(name, summary, help string, configure func(*Config, zerolog.Logger) (func(*pipeline) []runner, error)) command {
	c := command{name: name, summary: summary, help: help + "\n\nExample:\n  detour " + name + " --config detour.yaml"}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		cfg, err := c.loadConfig(std, args)
		if err != nil {
			return err
		}
		logger := newLogger(cfg.Log, std.err)
		build, err := configure(cfg, logger)
		if err != nil {
			return err
		}
		return stopped(ctx, withAdmin(ctx, cfg, name, logger, func(ctx context.Context, w *watched) error {
			return withPipeline(cfg, std, func(p *pipeline) error {
				p.observe(w)
				if err := p.prepare(ctx, control.DefaultPolicy(), uses[name]...); err != nil {
					return err
				}
				return p.lookWhile(ctx, schemas.Control, func(ctx context.Context) error {
					return runAll(ctx, append(build(p), runFunc(memory.GiveBack))...)
				})
			})
		}))
	}
	return c
}
