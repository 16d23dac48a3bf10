package replay

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
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
	"detour/schemas/sample"
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

// samples writes what ingest would: a batch of every source for each samples partition, every few seconds.
func (c *crashed) samples(ctx context.Context) error {
	rng := rand.New(rand.NewPCG(1, 2))
	slot := c.genesis.Pane / slots
	start := c.genesis.PaneOf(time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixMilli())
	offsets, turn := int64(0), 0 // every source has as many reports
	for i := range int64(length*slots + openSlots) {
		batches := make([][]*sample.Batch, c.genesis.Samples)
		for source := range int32(sources) {
			const runs = perPane / slots / sources
			head := sample.Head{
				Genesis: c.genesis.Hash(), Source: source, Sources: sources, From: offsets, To: offsets + runs,
				Origin: start, Mark: start + (i+1)*slot - 1, Counts: sample.Counts{Reports: runs, Samples: 4 * runs},
			}
			for p := range batches {
				batches[p] = append(batches[p], &sample.Batch{Head: head})
			}
			for k := range int64(runs) {
				n := rng.IntN(resolvers)
				if k < runs*inTurn/perPane {
					n, turn = turn%resolvers, turn+1
				}
				at := sample.Sample{Time: start + i*slot + k*slot/runs, Offset: offsets + k, Client: rng.Uint64(), Resolver: address(n)}
				b := batches[ingest.PartitionOf(at.Resolver, c.genesis.Samples)][source]
				b.Samples = appendRun(b.Samples, at, n, rng)
			}
		}
		offsets += perPane / slots / sources
		if err := c.appendSamples(ctx, batches); err != nil {
			return err
		}
	}
	return nil
}

func (c *crashed) appendSamples(ctx context.Context, batches [][]*sample.Batch) error {
	g, ctx := errgroup.WithContext(ctx)
	for p := range batches {
		g.Go(func() error {
			var records []schemas.Record
			for _, b := range batches[p] {
				value, err := b.Encode()
				if err != nil {
					return err
				}
				records = append(records, schemas.Record{Value: value})
			}
			_, err := c.log.Append(ctx, schemas.Partition{Topic: schemas.Samples, Number: int32(p)}, records)
			return err
		})
	}
	return g.Wait()
}

// address spreads resolvers over the address space, as they are: a quarter of them has IPv6.
func address(n int) netip.Addr {
	spread := uint32(n+1) * 2_654_435_761
	if n%4 == 0 {
		a := [16]byte{0x24}
		binary.BigEndian.PutUint32(a[2:], spread)
		return netip.AddrFrom16(a)
	}
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, spread)))
}

// appendRun appends the requests of a run: both paths over a new and a reused connection. The proxy is faster for seven
// resolvers out of ten.
func appendRun(rows []sample.Sample, s sample.Sample, n int, rng *rand.Rand) []sample.Sample {
	s.ASN, s.Country, s.Status = uint32(64512+n%500), sample.Country(uint16('D')<<8|uint16('E')), 200
	octaves := -0.6
	if n%10 >= 7 {
		octaves = 0.3
	}
	for path := range uint8(2) {
		for _, class := range []sample.Class{sample.New, sample.Reused} {
			direct := float64(60_000+n%100*1000) * float64(4-class)
			s.Path, s.Class = path, class
			s.Duration = uint32(direct * math.Exp2(0.1*rng.NormFloat64()))
			if path == 1 {
				ratio := octaves + 0.1*rng.NormFloat64()
				s.Duration = uint32(direct * math.Exp2(ratio))
				s.Ratio, s.Paired = int16(ratio*sample.RatioOne), true
			}
			rows = append(rows, s)
			s.Ordinal++
		}
	}
	return rows
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
