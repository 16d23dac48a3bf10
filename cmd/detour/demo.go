package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"detour/internal/admin"
	"detour/internal/agent"
	"detour/internal/console"
	"detour/internal/dataflow"
	"detour/internal/dns"
	"detour/internal/settings"
	"detour/internal/world"
	"detour/publish/fleet"
	"detour/publish/history"
	"detour/publish/tail"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
)

func demoCommand() command {
	c := command{
		name:    "demo",
		summary: "run everything in one process on a world of real measurements, and show what came of it",
		help: `Starts an embedded Kafka broker and ClickHouse engine, all stages and a DNS server, feeds them ninety minutes of
reports, checks the result against DNS and ClickHouse, and prints a summary. Then it stays up to be asked.

Examples:
  detour demo
  detour demo --exit --json
  detour demo --data /var/tmp/detour-demo`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		fs := c.flags(std)
		var opt demoOptions
		fs.StringVar(&opt.data, "data", "", "keep log and database in this `folder`; default is a temporary one, removed at the end")
		fs.StringVar(&opt.scenario, "scenario", "default", "a shipped scenario's `name`, or a file")
		fs.StringVar(&opt.admin, "admin", "", "serve /metrics, /livez and /readyz at this `address`, host:port; default is not to")
		fs.BoolVar(&opt.exit, "exit", false, "end after the summary")
		fs.BoolVar(&opt.json, "json", false, "print the summary as one JSON object")
		fs.StringVar(&opt.logLevel, "log", "warn", "log `level`: debug, info, warn or error")
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		s, err := world.LoadScenario(opt.scenario)
		if err != nil {
			return configError{settings.OneLine(err)}
		}
		if err := (&Log{Level: opt.logLevel, Format: "text"}).validate(); err != nil {
			return configErrorf("--log: %w", err)
		}
		if err := (&admin.Config{Listen: opt.admin}).Validate(); err != nil {
			return configErrorf("--admin: %w", err)
		}
		w, err := world.New(s)
		if err != nil {
			return err
		}
		return (&demo{options: opt, std: std, world: w, progress: console.NewProgress(std.err)}).run(ctx)
	}
	return c
}

type demoOptions struct {
	data, scenario, logLevel, admin string
	exit, json                      bool
}

// demo is one run of the demo.
type demo struct {
	options  demoOptions
	std      stdio
	world    *world.World
	progress *console.Progress

	engines  *engines
	pipeline *pipeline
	decider  *dataflow.Sole
	publish  *dataflow.Sole
	store    *fleet.Store
	follow   runner
	history  *history.History
	agent    *agent.Agent
	dns      *dns.Server
	aliases  demoAliases
	told     bool // the summary was printed: from here on, to be stopped is a good end
}

// errWrong ends a demo whose own checks failed; what failed was printed.
var errWrong = errors.New("the demo's own checks failed")

func (d *demo) run(ctx context.Context) (err error) {
	began := time.Now()
	if d.engines, err = startEngines(d.options, d.std); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.engines.close()) }()
	defer d.progress.Finish()

	cfg := d.engines.cfg
	cfg.Genesis.ClientKey = demoKey.Fingerprint()
	return withAdmin(ctx, cfg, "demo", newLogger(cfg.Log, d.std.err), func(ctx context.Context, w *watched) error {
		return withPipeline(cfg, d.std, func(p *pipeline) error {
			d.pipeline = p
			p.observe(w)
			if err := p.prepare(ctx, control.DefaultPolicy()); err != nil {
				return err
			}
			if err := d.build(); err != nil {
				return err
			}
			return p.lookWhile(ctx, schemas.Control, func(ctx context.Context) error { return d.play(ctx, began) })
		})
	})
}

// play runs all components while the story is told.
func (d *demo) play(ctx context.Context, began time.Time) error {
	p := d.pipeline
	g, running := errgroup.WithContext(ctx)
	running, stop := context.WithCancel(running)
	defer stop()
	g.Go(func() error {
		return runAll(running, p.ingest(demoKey), p.aggregate(), d.decider, d.publish, d.history,
			d.follow, d.engines.serve(p.fleet(d.store)), d.agent, d.dns)
	})
	g.Go(func() error {
		defer stop()
		return d.story(running, began)
	})
	err := g.Wait()
	if d.told {
		return stopped(ctx, err)
	}
	return cmp.Or(err, ctx.Err())
}

// build makes the parts that the story asks for their progress.
func (d *demo) build() (err error) {
	p := d.pipeline
	d.decider, d.publish = p.decide(), p.publish(d.engines.signing)
	database, err := p.cfg.database(p.logger)
	if err != nil {
		return err
	}
	d.store, d.follow = p.store()
	d.history = p.history(database)
	// No clock for the agent: a replayed map is long past its expiry.
	if d.agent, err = newAgent(p.cfg, nil, p.logger); err != nil {
		return err
	}
	if d.dns, err = newDNS(p.cfg, d.agent, p.logger); err != nil {
		return err
	}
	d.aliases = newAliases(d.world)
	d.dns.Alias = d.aliases.resolver
	p.watched.dns(d.agent, d.dns)
	return nil
}

// story feeds the world's reports, waits for what comes of them, checks it, tells it, and stays if it may.
func (d *demo) story(ctx context.Context, began time.Time) error {
	if err := d.feed(ctx); err != nil {
		return err
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	d.progress.Set(1, 1, "checking every resolver's answer")
	s, err := d.check(ctx)
	d.progress.Finish()
	if err != nil {
		return err
	}
	s.took = time.Since(began)
	if err := s.print(d); err != nil {
		return err
	}
	d.told = true
	if s.wrong() {
		return errWrong
	}
	if !d.options.exit {
		<-ctx.Done()
	}
	return nil
}

func (d *demo) feed(ctx context.Context) error {
	total := int64(d.world.Scenario().Runs)
	_, err := newFeed(d.pipeline, d.world, false, func(sent int64) { d.progress.Set(sent, total, "replaying reports") }).Run(ctx)
	return err
}

// settle waits until the last pane was decided upon, published, installed and stored.
func (d *demo) settle(ctx context.Context) error {
	g := &d.pipeline.cfg.Genesis
	last := g.PaneOf(d.world.End() - 1)
	first := g.PaneOf(d.world.Scenario().Start.UnixMilli())
	decided := func() (bool, error) {
		pane, err := lastTick(ctx, d.pipeline.log)
		d.progress.Set(max(0, pane-first), last-first, "deciding")
		return pane >= last, err
	}
	published := func() (bool, error) {
		_, end, err := d.pipeline.log.Bounds(ctx, schemas.Partition{Topic: schemas.Decisions})
		return d.publish.Position() >= end, err
	}
	installed := func() (bool, error) {
		now := d.agent.Current()
		if now == nil {
			return false, nil
		}
		version, err := lastVersion(ctx, d.pipeline.log)
		return now.Manifest.Version == version, err
	}
	stored := func() (bool, error) {
		var sum int64
		panes := d.history.Progress().Panes
		for _, pane := range panes {
			sum += pane - first
		}
		d.progress.Set(sum, (last-first)*int64(g.Samples), "storing history")
		return d.history.CaughtUp(ctx)
	}
	for _, done := range []func() (bool, error){decided, published, installed, stored} {
		if err := until(ctx, done); err != nil {
			return err
		}
	}
	return nil
}

// until asks again and again.
func until(ctx context.Context, done func() (bool, error)) error {
	const pause = 50 * time.Millisecond
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lastVersion returns the number of the newest map version, 0 before the first.
func lastVersion(ctx context.Context, log dataflow.Log) (int64, error) {
	found, err := tail.Read(ctx, log, 1)
	if err != nil || found.Last() == nil {
		return 0, err
	}
	return found.Last().Manifest.Version, nil
}

// lastTick returns the pane of the newest complete tick, 0 before the first.
func lastTick(ctx context.Context, log dataflow.Log) (pane int64, err error) {
	_, _, err = dataflow.Tail(ctx, log, schemas.Partition{Topic: schemas.Decisions}, func(records []schemas.Record) (bool, error) {
		for i := len(records) - 1; i >= 0; i-- {
			if b, err := decision.Decode(records[i].Value); err == nil && b.Head.Tick != nil {
				pane = b.Head.Chunk.Whole
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		return 0, fmt.Errorf("look for the last tick: %w", err)
	}
	return pane, nil
}
