package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/genesis"
	"detour/internal/kafkalog"
	"detour/internal/loglimit"
	"detour/publish/history"
	"detour/schemas"
	"detour/schemas/control"
)

// configFlag adds the flag that names the configuration file.
func configFlag(fs *flag.FlagSet) *string {
	return fs.String("config", "", "configuration `file` (default: $"+configEnv+", else "+defaultFile+"); \"detour config init\" prints one to start from")
}

// newLogger returns the program's logger: what repeats is limited, whoever says it.
func newLogger(cfg Log, w io.Writer) zerolog.Logger {
	zerolog.TimeFieldFormat = time.RFC3339Nano
	level, err := zerolog.ParseLevel(cfg.Level)
	if err != nil { // Validate refused it before
		level = zerolog.InfoLevel
	}
	if cfg.Format == "text" {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly, NoColor: true}
	}
	return loglimit.Default().Logger(zerolog.New(w).Level(level).With().Timestamp().Logger())
}

func (l *Log) validate() error {
	if _, err := zerolog.ParseLevel(l.Level); err != nil || l.Level == "" {
		return fmt.Errorf("level is %q, it has to be debug, info, warn or error", l.Level)
	}
	if l.Format != "text" && l.Format != "json" {
		return fmt.Errorf("format is %q, it has to be text or json", l.Format)
	}
	return nil
}

// loadConfig is for a command that takes nothing but --config: it parses the flags and loads the file.
func (c *command) loadConfig(std stdio, args []string) (*Config, error) {
	fs := c.flags(std)
	path := configFlag(fs)
	if err := parse(fs, args, 0); err != nil {
		return nil, err
	}
	return loadConfig(*path)
}

// withLog calls f with the log that the configuration file names. One that was never begun is an error: a command that
// only looks does not wait for it.
func withLog(ctx context.Context, std stdio, path string, f func(*pipeline) error) error {
	cfg, err := loadConfig(path)
	if err != nil {
		return err
	}
	return withPipeline(cfg, std, func(p *pipeline) error {
		if begun, err := p.kafka.Exists(ctx, schemas.Control); err != nil {
			return err
		} else if !begun {
			return fmt.Errorf("there is no topic %s: run \"detour migrate\" first", cfg.names().Of(schemas.Control))
		}
		return f(p)
	})
}

// withPipeline calls f with a pipeline over the Kafka that cfg names.
func withPipeline(cfg *Config, std stdio, f func(*pipeline) error) error {
	logger := newLogger(cfg.Log, std.err)
	client, err := kafkalog.New(cfg.Kafka, cfg.names(), logger.With().Str("component", "kafka").Logger())
	if err != nil {
		return configErrorf("kafka: %w", err)
	}
	defer client.Close()
	return f(&pipeline{cfg: cfg, kafka: client, log: client, members: kafkalog.NewGroup(client), logger: logger})
}

// database returns the way to ClickHouse, nil if the configuration does without.
func (c *Config) database(logger zerolog.Logger) (*history.Store, error) {
	if !c.ClickHouse.Enabled {
		return nil, nil
	}
	store, err := history.Connect(c.ClickHouse.Config, logger)
	if err != nil {
		return nil, configErrorf("clickhouse: %w", err)
	}
	return store, nil
}

// prepare makes topics and genesis, or checks the ones that are there: all topics, or only those that a stage uses.
func (p *pipeline) prepare(ctx context.Context, policy control.Policy, uses ...schemas.Topic) error {
	prepared := p.watched.preparing()
	specs := p.cfg.topicSpecs()
	if len(uses) > 0 {
		p.kafka.Use(uses...)
		specs = slices.DeleteFunc(specs, func(s kafkalog.TopicSpec) bool { return !slices.Contains(uses, s.Topic) })
	}
	if err := p.kafka.EnsureTopics(ctx, specs); err != nil {
		return err
	}
	if len(uses) == 0 {
		if err := p.kafka.CompareTopics(ctx, specs); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(specs, func(s kafkalog.TopicSpec) bool { return s.Topic == schemas.Reports }) {
		if err := p.kafka.CheckReports(ctx); err != nil {
			return err
		}
	}
	if err := genesis.Ensure(ctx, p.log, &p.cfg.Genesis, policy, p.logger); err != nil {
		return err
	}
	prepared()
	return nil
}

// Retention of the internal topics: control for ever; what a resume or a late history needs for weeks.
const (
	sampleRetention = 3 * 24 * time.Hour
	recordRetention = 30 * 24 * time.Hour
)

// topicSpecs lists the topics that the pipeline needs.
func (c *Config) topicSpecs() []kafkalog.TopicSpec {
	keep := func(d time.Duration) map[string]string {
		return map[string]string{"cleanup.policy": "delete", "retention.ms": strconv.FormatInt(d.Milliseconds(), 10)}
	}
	forever := map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
	n := c.Genesis.Samples
	return []kafkalog.TopicSpec{
		{Topic: schemas.Control, Partitions: 1, Configs: forever},
		{Topic: schemas.Reports, Partitions: c.Topics.ReportPartitions, Configs: map[string]string{"message.timestamp.type": "CreateTime"}},
		{Topic: schemas.Samples, Partitions: n, Configs: keep(sampleRetention)},
		{Topic: schemas.Windows, Partitions: n, Configs: keep(recordRetention)},
		{Topic: schemas.Decisions, Partitions: 1, Configs: keep(recordRetention)},
		{Topic: schemas.Maps, Partitions: 1, Configs: keep(recordRetention)},
		{Topic: schemas.Rejects, Partitions: n, Configs: keep(recordRetention)},
	}
}
