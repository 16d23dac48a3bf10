package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"detour/internal/agent"
	"detour/internal/dataflow"
	"detour/internal/genesis"
	"detour/internal/kafkalog"
	"detour/publish/history"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/pathmap"
)

// kafka looks at the brokers, then at each topic, then at what the log began with. Where one does not answer, the rest
// would not either.
func (c *checker) kafka(ctx context.Context) {
	const key = "kafka.brokers"
	client, err := kafkalog.New(c.cfg.Kafka, c.cfg.names(), zerolog.Nop())
	if err != nil {
		c.fail("kafka", err, "see the key that it names")
		return
	}
	defer client.Close()
	if err := c.limited(ctx, client.WaitReady); err != nil {
		c.fail(key, err, "is Kafka running, and do kafka.brokers, kafka.tls and kafka.sasl fit its listener?")
		return
	}
	c.ok(key, "%s let us in", strings.Join(c.cfg.Kafka.Brokers, ", "))
	if s := c.cfg.Kafka.SASL; s.Mechanism == "plain" && !c.cfg.Kafka.TLS.Enabled {
		c.warn("kafka.sasl.mechanism", "plain without TLS sends the password in the clear", "set kafka.tls.enabled, or use scram-sha-512")
	}
	specs := c.cfg.topicSpecs()
	if only, some := uses[c.command]; some {
		client.Use(only...)
		specs = slices.DeleteFunc(specs, func(s kafkalog.TopicSpec) bool { return !slices.Contains(only, s.Topic) })
	}
	for _, spec := range specs {
		there, err := c.topic(ctx, client, &spec)
		if err != nil {
			return
		}
		if there && spec.Topic == schemas.Control {
			c.genesis(ctx, client)
		}
	}
}

// topic compares a topic with what is needed. Its error is that the broker fell silent.
func (c *checker) topic(ctx context.Context, client *kafkalog.Client, spec *kafkalog.TopicSpec) (there bool, err error) {
	name := "topic " + c.cfg.names().Of(spec.Topic)
	var state kafkalog.TopicState
	do := "make it, as \"detour migrate\" does, or give us the right to"
	err = c.limited(ctx, func(ctx context.Context) (err error) {
		if state, err = client.Inspect(ctx, *spec); err != nil || state.Partitions == 0 {
			return err
		}
		do = "see deploy/kafka/acls.sh for all rights that are needed"
		if err := c.rights(ctx, client, spec.Topic); err != nil || spec.Topic != schemas.Reports {
			return err
		}
		do = "let its message.timestamp.type be CreateTime, and let us see it"
		return client.CheckReports(ctx)
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		c.fail(name, err, "see what the brokers log")
		return false, err
	case err != nil:
		c.fail(name, err, "%s", do)
	case state.Partitions == 0:
		c.ok(name, "is not there yet, and can be made with %s", partitions(spec.Partitions))
	case !spec.Takes(state.Partitions):
		c.fail(name, fmt.Errorf("has %s, %d are wanted", partitions(state.Partitions), spec.Partitions),
			"the number can't be changed for a log that was begun: set %s, or another topics.prefix", partitionsKey(spec.Topic))
	case state.Hidden && (c.command == "" || c.command == "migrate"):
		c.warn(name, fmt.Sprintf("has %s; its settings can't be seen", partitions(state.Partitions)), "allow DescribeConfigs on it")
	case len(state.Differ) > 0:
		d := state.Differ[0]
		c.warn(name, fmt.Sprintf("has %s; its %s is %s", partitions(state.Partitions), d.Key, d.Has), "%s is recommended", d.Wants)
	case spec.Topic == schemas.Reports:
		c.ok(name, "has %s, and the collector's timestamps", partitions(state.Partitions))
	default:
		c.ok(name, "has %s", partitions(state.Partitions))
	}
	return state.Partitions > 0, nil
}

func partitions(n int) string {
	if n == 1 {
		return "1 partition"
	}
	return fmt.Sprintf("%d partitions", n)
}

// rights checks that what the command reads and writes it may read and write: of all commands, where it is for all.
func (c *checker) rights(ctx context.Context, client *kafkalog.Client, topic schemas.Topic) error {
	has, err := client.Rights(ctx, topic)
	if err != nil {
		return err
	}
	for _, command := range users["kafka"] {
		if c.command != "" && c.command != command {
			continue
		}
		if slices.Contains(reads[command], topic) && !has.Read {
			return fmt.Errorf("%s needs the right Read", command)
		}
		if slices.Contains(writes[command], topic) && !has.Write {
			return fmt.Errorf("%s needs the right Write", command)
		}
	}
	return nil
}

// reads and writes are the topics that each command reads from and appends to.
var (
	reads = map[string][]schemas.Topic{
		"migrate":   {schemas.Control},
		"ingest":    {schemas.Control, schemas.Reports},
		"aggregate": {schemas.Control, schemas.Samples, schemas.Windows},
		"decide":    {schemas.Control, schemas.Windows, schemas.Decisions},
		"publish":   {schemas.Control, schemas.Windows, schemas.Decisions, schemas.Maps},
	}
	writes = map[string][]schemas.Topic{
		"migrate":   {schemas.Control},
		"ingest":    {schemas.Reports, schemas.Samples, schemas.Rejects},
		"aggregate": {schemas.Windows, schemas.Rejects},
		"decide":    {schemas.Decisions, schemas.Rejects},
		"publish":   {schemas.Maps, schemas.Rejects},
	}
)

// partitionsKey names the key that says how many partitions a topic has.
func partitionsKey(t schemas.Topic) string {
	if t == schemas.Reports {
		return "topics.report_partitions"
	}
	return "genesis.partitions"
}

// genesis compares the settings with those that the log began with.
func (c *checker) genesis(ctx context.Context, client *kafkalog.Client) {
	const name = "genesis"
	ours, begun := c.cfg.Genesis, false
	if key, err := c.cfg.clientKey(); err == nil {
		ours.ClientKey = key.Fingerprint()
	}
	err := c.limited(ctx, func(ctx context.Context) error {
		_, end, err := client.Bounds(ctx, schemas.Partition{Topic: schemas.Control})
		if begun = end > 0; err != nil || !begun {
			return err
		}
		return genesis.Ensure(ctx, client, &ours, control.DefaultPolicy(), zerolog.Nop())
	})
	switch {
	case errors.As(err, new(dataflow.Fatal)):
		c.fail(name, err, "set them as the log has them, or begin another log with another topics.prefix")
	case err != nil:
		c.fail(name, err, "the topic %s has to be readable", c.cfg.names().Of(schemas.Control))
	case !begun:
		c.ok(name, "the log has not begun: \"detour migrate\" or the first \"detour ingest\" begins it")
	default:
		c.ok(name, "the log began with these settings: %.12s", ours.Hash())
	}
}

// clickHouse looks at the server, the database and its tables.
func (c *checker) clickHouse(ctx context.Context) {
	const key = "clickhouse"
	var found history.State
	err := c.limited(ctx, func(ctx context.Context) (err error) {
		found, err = history.Inspect(ctx, c.cfg.ClickHouse.Config)
		return err
	})
	server := fmt.Sprintf("%s is version %s", strings.Join(c.cfg.ClickHouse.Addr, ", "), found.Server)
	where := fmt.Sprintf("database %s has %d of %d migrations", c.cfg.ClickHouse.Database, found.Applied, found.Known)
	switch {
	case err != nil:
		c.fail(key, err, "is ClickHouse running at %s, with this protocol (%s)?", strings.Join(c.cfg.ClickHouse.Addr, ", "), c.cfg.ClickHouse.Protocol)
	case found.Newer > 0:
		c.warn(key, fmt.Sprintf("%s; %s, and %d of a newer program", server, where, found.Newer), "run the newer program everywhere")
	case found.Applied == found.Known:
		c.ok(key, "%s; %s", server, where)
	case !c.cfg.ClickHouse.Migrate:
		c.warn(key, server+"; "+where, "clickhouse.migrate is false: run \"detour migrate\"")
	default:
		c.ok(key, "%s; %s, migrate or publish makes the rest", server, where)
	}
}

// publisher asks where maps come from.
func (c *checker) publisher(ctx context.Context) {
	const key = "agent.url"
	var m *pathmap.Manifest
	err := c.limited(ctx, func(ctx context.Context) (err error) {
		m, err = agent.Ask(ctx, c.cfg.Agent)
		return err
	})
	var away *url.Error
	switch {
	case errors.As(err, &away):
		c.warn(key, c.cfg.Agent.URL+": "+c.inTime(away.Err), "dns waits for it: is \"detour publish\" running there?")
	case err != nil:
		c.fail(key, err, "dns would refuse its maps: does agent.public_key_file fit, and does \"detour publish\" answer there?")
	case m == nil:
		c.ok(key, "%s answers, and has no version yet", c.cfg.Agent.URL)
	default:
		c.ok(key, "%s has version %d", c.cfg.Agent.URL, m.Version)
	}
}
