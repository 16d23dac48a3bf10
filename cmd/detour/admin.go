package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"detour/internal/admin"
	"detour/internal/agent"
	"detour/internal/dataflow"
	"detour/internal/dns"
	"detour/internal/kafkalog"
	"detour/internal/metrics"
	"detour/publish/fleet"
	"detour/publish/history"
	"detour/schemas"
	"detour/schemas/pathmap"
)

// watched is how a process that runs for long is watched: what it counts, and what it answers for. The methods that add a
// component to it do nothing where it is nil: where nobody watches.
type watched struct {
	metrics *metrics.Set
	admin   *admin.Server
}

// withAdmin runs f with the admin server beside it, which answers while f still waits for Kafka. Whichever fails ends the
// other.
func withAdmin(ctx context.Context, cfg *Config, command string, logger zerolog.Logger, f func(context.Context, *watched) error) error {
	w := &watched{metrics: metrics.New(version, command, cfg.Genesis.Pane)}
	w.admin = admin.New(cfg.Admin, w.metrics.Handler(), logger)
	w.admin.Live.Add("loops", func() (bool, string) { return w.metrics.Turning(loopLimit) })
	g, ctx := errgroup.WithContext(ctx)
	serving, stop := context.WithCancel(ctx)
	g.Go(func() error { return w.admin.Run(serving) })
	g.Go(func() error {
		defer stop()
		return f(ctx, w)
	})
	return g.Wait()
}

// observe makes w watch the pipeline and what is built from it.
func (p *pipeline) observe(w *watched) {
	p.watched = w
	group := kafkalog.NewGroup(p.kafka)
	group.Joined = w.metrics.Joined
	p.members = group
	w.metrics.Kafka(func() time.Duration { return p.kafka.Health().Waiting })
	w.admin.Live.Add("kafka client", kafkaClientLives(p.kafka))
	w.admin.Ready.Add("kafka", kafkaAnswers(p.kafka))
}

// preparing makes the process ready no sooner than done is called: when topics and genesis are what they have to be.
func (w *watched) preparing() (done func()) {
	if w == nil {
		return func() {}
	}
	var prepared atomic.Bool
	w.admin.Ready.Add("log", func() (bool, string) {
		if prepared.Load() {
			return true, "topics and genesis are there"
		}
		return false, "topics and genesis were not all there yet"
	})
	return func() { prepared.Store(true) }
}

// look asks Kafka something every few seconds, until ctx ends: a process that stands by has no other way to know that it
// answers, and a stage that waits for ClickHouse none to know how far it lags. It only watches: what goes wrong here is in
// the client's health, and ends nothing.
func (p *pipeline) look(ctx context.Context, t schemas.Topic) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		if _, _, err := p.log.Bounds(ctx, schemas.Partition{Topic: t}); err == nil {
			_ = p.watched.metrics.Refresh(ctx, p.log)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// lookWhile looks, at a topic that the process has a right to, for as long as f runs.
func (p *pipeline) lookWhile(ctx context.Context, t schemas.Topic, f func(context.Context) error) error {
	looking, stop := context.WithCancel(ctx)
	var looker sync.WaitGroup
	looker.Go(func() { p.look(looking, t) })
	defer looker.Wait()
	defer stop()
	return f(ctx)
}

// watch returns the log and the groups as a stage is to use them; the stage is nil where nobody watches.
func (p *pipeline) watch(stage string, inputs ...schemas.Topic) (dataflow.Log, dataflow.Group, *metrics.Stage) {
	if p.watched == nil {
		return p.log, p.members, nil
	}
	st := p.watched.metrics.Stage(stage, inputs...)
	if stage == metrics.Ingest || stage == metrics.Aggregate {
		p.watched.admin.Ready.Add(stage, memberWorks(st))
	}
	return st.Log(p.log), st.Group(p.members), st
}

func (w *watched) sole(stage *metrics.Stage, s *dataflow.Sole) {
	if w == nil {
		return
	}
	stage.Active(s.Active)
	w.admin.Ready.Add(stage.Name(), soleWorks(stage, s))
}

func (w *watched) served(store *fleet.Store) {
	if w == nil {
		return
	}
	last := func() *pathmap.Manifest {
		if v, _ := store.Last(); v != nil {
			return &v.Manifest
		}
		return nil
	}
	w.metrics.Served(last)
	w.admin.Ready.Add("maps", mapsServed(store.Begun, last))
}

func (w *watched) history(stage *metrics.Stage, store *history.Store, h *history.History) {
	if w == nil {
		return
	}
	stage.Patient = true
	store.Inserted = w.metrics.History(func() metrics.ClickHouse {
		since, failures := store.Trouble()
		return metrics.ClickHouse{Rows: h.Progress().Rows, Failures: failures, Up: since.IsZero()}
	})
	w.admin.Ready.Add("clickhouse", historyWaits(store))
}

func (w *watched) dns(a *agent.Agent, s *dns.Server) {
	if w == nil {
		return
	}
	w.metrics.DNS(s.Given, s.Replies)
	w.metrics.Agent(func() metrics.Agent {
		now := metrics.Agent{Contact: a.Contact(), Refused: a.Refused()}
		if i := a.Current(); i != nil {
			now.Map = &i.Manifest
		}
		return now
	})
	w.admin.Live.Add("dns", dnsLives(s))
	w.admin.Ready.Add("listeners", dnsListens(s))
	w.admin.Ready.Add("map", mapInstalled(a))
	w.admin.Ready.Add("publisher", publisherAnswers(a))
}
