package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"detour/internal/backtest"
	"detour/internal/console"
	"detour/internal/replay"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/window"
)

func backtestCommand() command {
	c := command{
		name:    "backtest",
		summary: "say what another policy would have done with the recorded windows",
		help: `Runs the real decider over the windows topic twice, under the recorded control and under a new policy, and prints what
would have changed: resolvers and users moved, expected gain and harm by country and network, and moves. It reads only, and
only as far back as the topic's retention. docs/backtest.md tells what the figures are.

Examples:
  detour backtest --config detour.yaml --policy new.yaml                             # all that the topic holds
  detour backtest --config detour.yaml --policy new.yaml --since 24h --json          # before the newest pane
  detour backtest --config detour.yaml --policy new.yaml --since 2026-01-05T00:00:00Z
  detour backtest --data demo-data --policy new.yaml`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		fs := c.flags(std)
		path := configFlag(fs)
		file := fs.String("policy", "", "the new policy's YAML `FILE`")
		since := fs.String("since", "", "count from this `time` on (RFC 3339), or for so long before the newest pane (24h)")
		data := fs.String("data", "", "look at what \"detour demo --data\" left in this `folder`, or a copy of what it has written so far")
		asJSON := fs.Bool("json", false, "print JSON")
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		switch {
		case *file == "":
			return configErrorf("--policy names no file; \"detour policy show\" prints one to start from")
		case *data != "" && given(fs, "config"):
			return configErrorf("--data and --config contradict each other: a demo's folder has its own configuration")
		}
		policy, err := readPolicy(*file)
		if err != nil {
			return err
		}
		from, err := parseSince(*since)
		if err != nil {
			return err
		}
		test := func(p *pipeline) error { return runBacktest(ctx, std, p, policy, from, *asJSON) }
		if *data != "" {
			return withDemoLog(std, *data, test)
		}
		return withLog(ctx, std, *path, test)
	}
	return c
}

// since is where to begin: at a time, or so long before the newest pane.
type since struct {
	at     time.Time
	before time.Duration
}

func parseSince(s string) (since, error) {
	if s == "" {
		return since{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return since{before: d}, nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return since{}, configErrorf("--since is %q, it has to be a time like 2026-01-05T00:00:00Z or a duration like 24h", s)
	}
	return since{at: at}, nil
}

// pane returns the first pane that counts, 0 = the first there is.
func (s since) pane(ctx context.Context, p *pipeline) (int64, error) {
	length := p.cfg.Genesis.Pane
	switch {
	case s.before > 0:
		newest, err := newestPane(ctx, p)
		return max(0, newest+length-s.before.Milliseconds()) / length * length, err
	case !s.at.IsZero():
		return s.at.UnixMilli() / length * length, nil
	}
	return 0, nil
}

// newestPane returns the start of the newest pane that a windows partition holds something of.
func newestPane(ctx context.Context, p *pipeline) (newest int64, err error) {
	for i := range p.cfg.Genesis.Samples {
		partition := schemas.Partition{Topic: schemas.Windows, Number: int32(i)}
		_, end, err := p.log.Bounds(ctx, partition)
		if err != nil || end == 0 {
			return 0, err
		}
		f, err := p.log.Fetch(ctx, partition, end-1)
		if err != nil {
			return 0, fmt.Errorf("read %s@%d: %w", partition, end-1, err)
		}
		for j := range f.Records {
			if b, err := window.Decode(f.Records[j].Value); err == nil {
				newest = max(newest, b.Head.Chunk.Whole)
			}
		}
	}
	return newest, nil
}

func runBacktest(ctx context.Context, std stdio, p *pipeline, policy control.Policy, from since, asJSON bool) error {
	err := checkGenesis(ctx, p)
	switch {
	case errors.Is(err, replay.ErrNoVersion):
		return backtest.ErrNothing
	case err != nil:
		return err
	}
	pane, err := from.pane(ctx, p)
	if err != nil {
		return err
	}
	progress := console.NewProgress(std.err)
	b := backtest.Backtest{
		Log: p.log, Genesis: p.cfg.Genesis, Policy: policy, Since: pane,
		Progress: func(done, total int64) { progress.Set(done, total, "deciding twice") },
	}
	result, err := b.Run(ctx)
	progress.Finish()
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(std.out)
		enc.SetIndent("", "  ")
		return enc.Encode(result)
	}
	return result.Write(std.out)
}
