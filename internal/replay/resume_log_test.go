package replay

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	aggregator "detour/aggregate/worker"
	"detour/decide"
	decider "detour/decide/worker"
	"detour/ingest"
	"detour/internal/dataflow"
	"detour/internal/embedded/broker"
	"detour/internal/genesis"
	"detour/internal/kafkalog"
	"detour/publish"
	publisher "detour/publish/worker"
	"detour/schemas"
	"detour/schemas/control"
)

// The log of BenchmarkResume. Every resolver has three runs in a window's 60 panes, or a few more. It ends when resuming
// is most work: 29 ticks behind a snapshot of decisions, and just before another pane is sealed.
const (
	resolvers = 200_000
	length    = 89 // with the empty one before the first: 90 ticks, snapshots are 1, 31 and 61
	perPane   = 15_000
	inTurn    = 10_000 // of these, the others are drawn at random
	sources   = 4
	slots     = 15 // batches of a source in a pane
	openSlots = slots + 2

	clientKey = "0123456789abcdef"
)

// crashed is a log whose stages are gone.
type crashed struct {
	addr    string
	names   schemas.Names
	genesis control.Genesis
	log     *metered
}

func newCrashed(b *testing.B) *crashed {
	engine := broker.New(broker.Config{}, zerolog.Nop())
	addr, err := engine.Start()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = engine.Close() })
	c := &crashed{addr: addr, names: schemas.Names{Prefix: "resume", Reports: "resume.reports"}, genesis: control.DefaultGenesis()}
	c.genesis.Reports, c.genesis.ClientKey = c.names.Reports, ingest.ClientKey(clientKey).Fingerprint()
	c.genesis.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "proxy", Kind: control.Proxy}}
	client := c.connect(b, c.names)
	b.Cleanup(client.Close)
	c.log = newMetered(client)
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"topics", func(ctx context.Context) error { return c.topics(ctx, client) }},
		{"samples", c.samples},
		{"windows, decisions, maps", c.stages},
	} {
		began := time.Now()
		if err := step.do(b.Context()); err != nil {
			b.Fatalf("%s: %v", step.name, err)
		}
		b.Logf("%s: %.1f s", step.name, time.Since(began).Seconds())
	}
	return c
}

func (c *crashed) connect(b *testing.B, names schemas.Names) *kafkalog.Client {
	cfg := kafkalog.Default()
	cfg.Brokers = []string{c.addr}
	client, err := kafkalog.New(cfg, names, zerolog.Nop())
	if err != nil {
		b.Fatal(err)
	}
	return client
}

func (c *crashed) topics(ctx context.Context, client *kafkalog.Client) error {
	specs := []kafkalog.TopicSpec{{Topic: schemas.Reports, Partitions: sources}}
	for _, t := range schemas.Internal() {
		n := 1
		if t == schemas.Samples || t == schemas.Windows || t == schemas.Rejects {
			n = c.genesis.Samples
		}
		specs = append(specs, kafkalog.TopicSpec{Topic: t, Partitions: n})
	}
	if err := client.EnsureTopics(ctx, specs); err != nil {
		return err
	}
	return genesis.Ensure(ctx, c.log, &c.genesis, control.DefaultPolicy(), zerolog.Nop())
}

// stages runs the machines behind ingest, each until it waits for more.
func (c *crashed) stages(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for i := range c.genesis.Samples {
		g.Go(func() error {
			m, err := aggregator.Resume(gctx, c.log, &c.genesis, int32(i), zerolog.Nop())
			return c.run(gctx, m, err)
		})
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("aggregate: %w", err)
	}
	d, err := decider.Resume(ctx, c.log, c.genesis, decide.Config{}, zerolog.Nop())
	if err = c.run(ctx, d, err); err != nil {
		return fmt.Errorf("decide: %w", err)
	}
	p, err := publisher.Resume(ctx, c.log, c.genesis, publish.Config{}, zerolog.Nop())
	return c.run(ctx, p, err)
}

func (c *crashed) run(ctx context.Context, m schemas.Machine, err error) error {
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	idle := func(context.Context, schemas.Partition) error { stop(); return nil }
	runner := dataflow.Runner{Log: c.log, Machine: m, Idle: idle}
	return runner.Run(ctx)
}
