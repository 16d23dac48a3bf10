package main

import (
	"context"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/embedded/chserver"
	"detour/internal/kafkalog"
	"detour/internal/tlsfiles"
	"detour/schemas"
)

// TestIntegrationLeastPrivilege runs all processes over TLS, each with a user of its own and the rights that
// deploy/kafka/acls.sh gives to it: a map is published, nothing that is asked for is wanting, and there is no right that
// nobody uses.
func TestIntegrationLeastPrivilege(t *testing.T) {
	requireClickHouse(t)
	database := chserver.New(chserver.Config{}, zerolog.Nop())
	clickhouse, err := database.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	closed := newClosed(t, clickhouse)
	if err := closed.broker.LogRights(t.Context()); err != nil {
		t.Fatal(err)
	}
	config := "--config=" + closed.path
	closed.must(t, "migrate", "migrate", config)
	stages := map[string]*process{}
	for _, stage := range []string{"ingest", "aggregate", "decide", "publish"} {
		stages[stage] = closed.start(t, stage, nil)
	}
	closed.must(t, "collector", "feed", config, "--scenario", file(t, "small.yaml", smallWorld))
	eventually(t, "a map", func() bool { m := manifest(closed.cfg.Agent.URL); return m != nil && m.Entries > 0 })
	d := &demo{pipeline: &pipeline{cfg: closed.cfg}}
	eventually(t, "history", func() bool {
		n, err := d.queryNumber(t.Context(), "SELECT count() FROM map_versions")
		return err == nil && n > 0
	})
	policy := file(t, "policy.yaml", closed.must(t, "operator", "policy", "show", config))
	closed.must(t, "operator", "policy", "apply", config, policy)
	for range 2 { // the second one reads what the first one wrote
		closed.must(t, "operator", "mark", config, "--source", "3")
	}
	// It ends with 1, as old reports are a fault that it finds.
	if out, err := closed.command("analyst", nil, "status", config).CombinedOutput(); !strings.Contains(string(out), "STAGE") {
		t.Errorf("status: %v\n%s", err, out)
	}
	closed.must(t, "analyst", "explain", config, "192.0.2.1")
	closed.must(t, "analyst", "verify", config)
	closed.must(t, "analyst", "verify", config, "--from", "samples")

	closed.spoil(t, schemas.Samples, schemas.Windows, schemas.Decisions)
	for _, stage := range []string{"aggregate", "decide", "publish"} {
		closed.awaitUse(t, stage, "WRITE", schemas.Rejects)
	}
	for stage, p := range stages {
		p.stop(t)
		stages[stage] = closed.start(t, stage, []string{"DETOUR_INGEST_HEARTBEAT=1s"})
	}
	closed.awaitUse(t, "ingest", "WRITE", schemas.Reports)   // a heartbeat
	closed.awaitUse(t, "aggregate", "READ", schemas.Windows) // where it was
	for _, p := range stages {
		eventually(t, p.name+" is at work again", func() bool { return strings.Contains(p.said(), "joined group") })
		p.stop(t)
	}

	used, wanting := closed.rights(t)
	for r := range wanting {
		t.Errorf("wanting: %s", r)
	}
	for r := range closed.granted {
		if !used[r] {
			t.Errorf("of no use: %s", r)
		}
	}
	t.Logf("%d rights", len(closed.granted))
}

// spoil appends what no stage can read, as a super user.
func (c *closedKafka) spoil(t *testing.T, topics ...schemas.Topic) {
	t.Helper()
	cfg := c.cfg.Kafka
	cfg.Brokers, cfg.TLS, cfg.SASL = c.broker.Internal(), tlsfiles.Client{}, kafkalog.SASL{}
	log, err := kafkalog.New(cfg, c.cfg.names(), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, topic := range topics {
		p := schemas.Partition{Topic: topic}
		if _, err := log.Append(ctx, p, []schemas.Record{{Partition: p, Value: []byte("no record")}}); err != nil {
			t.Fatal(err)
		}
	}
}

// awaitUse waits until a process has used a right on a topic.
func (c *closedKafka) awaitUse(t *testing.T, process, operation string, topic schemas.Topic) {
	t.Helper()
	r := right(process, operation, "TOPIC", c.cfg.names().Of(topic))
	eventually(t, r.String(), func() bool { used, _ := c.rights(t); return used[r] })
}
