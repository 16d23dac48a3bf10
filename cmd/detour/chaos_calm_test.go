package main

import (
	"context"
	"testing"

	"github.com/rs/zerolog"

	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/internal/genesis"
	"detour/schemas"
	"detour/schemas/control"
)

// calm is a run without faults over the same reports.
type calm struct {
	*account
	counts  audit   // ingest's
	reports reports // of the log
}

// undisturbed runs every stage once, in memory, over the reports as they stand in the log: a collector that was not told
// whether its batch was written has written it twice, and then two it is. It ends when the pane last was published.
func undisturbed(t *testing.T, p *pipeline, last int64) *calm {
	t.Helper()
	partitions := make(map[schemas.Topic]int)
	for _, spec := range p.cfg.topicSpecs() {
		partitions[spec.Topic] = spec.Partitions
	}
	log := memlog.New(partitions)
	c := &calm{reports: make(reports)}
	original := &demo{pipeline: p}
	if err := original.eachRecord(t.Context(), schemas.Reports, func(r *schemas.Record) error {
		if _, beat := r.Header(schemas.HeartbeatHeader); !beat {
			c.reports.add(r.Value)
		}
		_, err := log.Append(t.Context(), r.Partition, []schemas.Record{*r})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	cfg := *p.cfg
	quiet := &pipeline{cfg: &cfg, log: log, members: memlog.NewGroup(log), logger: zerolog.Nop()}
	if err := genesis.Ensure(t.Context(), log, &cfg.Genesis, original.firstPolicy(t), zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	publisher := quiet.publish(nil)
	go func() { done <- runAll(ctx, quiet.ingest(demoKey), quiet.aggregate(), quiet.decide(), publisher) }()
	arrives(t, "an undisturbed run", allPublished, func() string { return reached(t, log, publisher, last) })
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	var err error
	if c.account, err = takeAccount(t.Context(), quiet); err != nil {
		t.Fatal(err)
	}
	if err := (&demo{pipeline: quiet}).eachRecord(t.Context(), schemas.Samples, countSamples(&c.counts)); err != nil {
		t.Fatal(err)
	}
	return c
}

const allPublished = "all published"

// reached tells how far a run is: allPublished once the tick that reached pane last, and what is due after it, went through
// publish.
func reached(t *testing.T, log dataflow.Log, publisher *dataflow.Sole, last int64) string {
	t.Helper()
	pane, err := lastTick(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	_, end, err := log.Bounds(t.Context(), schemas.Partition{Topic: schemas.Decisions})
	if err != nil {
		t.Fatal(err)
	}
	if pane >= last && publisher.Position() >= end {
		return allPublished
	}
	return "pane " + clockOf(pane)
}

// firstPolicy returns the policy that the log begins with, the default one if there is none yet.
func (d *demo) firstPolicy(t *testing.T) control.Policy {
	t.Helper()
	policy, found := control.DefaultPolicy(), false
	if err := d.eachRecord(t.Context(), schemas.Control, func(r *schemas.Record) error {
		if rec, err := control.Decode(r.Value); err == nil && rec.Policy != nil && !found {
			policy, found = *rec.Policy, true
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return policy
}
