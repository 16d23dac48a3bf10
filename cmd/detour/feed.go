package main

import (
	"context"
	"fmt"
	"iter"

	"detour/internal/console"
	"detour/internal/metrics"
	"detour/internal/replay"
	"detour/internal/settings"
	"detour/internal/world"
	"detour/schemas"
	"detour/schemas/control"
)

func feedCommand() command {
	c := command{
		name:    "feed",
		summary: "append a simulated world's reports to the reports topic",
		help: `The world is made of real measurements between cities and real resolver addresses, see internal/world. By default its
reports keep their own times and go as fast as Kafka takes them; that is a backfill, so set "ingest.heartbeat: 0s".
With --live they are paced and carry the time of now.

Examples:
  detour feed --config detour.yaml
  detour feed --config detour.yaml --live --scenario mine.yaml`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		fs := c.flags(std)
		path := configFlag(fs)
		scenario := fs.String("scenario", "default", "a shipped scenario's `name`, or a file")
		live := fs.Bool("live", false, "pace the reports and give them the time of now")
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		s, err := world.LoadScenario(*scenario)
		if err != nil {
			return configError{settings.OneLine(err)}
		}
		w, err := world.New(s)
		if err != nil {
			return err
		}
		cfg, err := loadConfig(*path)
		if err != nil {
			return err
		}
		return withAdmin(ctx, cfg, c.name, newLogger(cfg.Log, std.err), func(ctx context.Context, seen *watched) error {
			return withPipeline(cfg, std, func(p *pipeline) error { // it waits for the topic: a consumer may be about to make it
				p.observe(seen)
				p.kafka.Use(schemas.Reports)
				progress := console.NewProgress(std.err)
				defer progress.Finish()
				feed := newFeed(p, w, *live, func(sent int64) { progress.Set(sent, int64(s.Runs), "reports") })
				return p.lookWhile(ctx, schemas.Reports, func(ctx context.Context) error {
					sent, err := feed.Run(ctx)
					fmt.Fprintf(std.out, "sent %d reports\n", sent)
					return err
				})
			})
		})
	}
	return c
}

// newFeed returns the feed of a world's reports, which ends late enough for its last pane to be sealed.
func newFeed(p *pipeline, w *world.World, live bool, progress func(int64)) *replay.Feed {
	log, _, _ := p.watch(metrics.Feed)
	return &replay.Feed{Log: log, Reports: reportsOf(w), End: sealedBy(&p.cfg.Genesis, w.End()), Live: live, Progress: progress}
}

// sealedBy returns the time in ms at which the pane before end is sealed: that of the heartbeats which end a backfill.
func sealedBy(g *control.Genesis, end int64) int64 {
	return g.PaneOf(end-1) + g.Pane + g.Lateness
}

func reportsOf(w *world.World) iter.Seq[replay.Report] {
	return func(yield func(replay.Report) bool) {
		for run := range w.Runs() {
			if !yield(replay.Report{Partition: run.Partition, Time: run.Time, Value: run.Value}) {
				return
			}
		}
	}
}
