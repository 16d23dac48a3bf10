package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/console"
	"detour/internal/status"
)

// watchEvery is how often --watch looks again.
const watchEvery = 2 * time.Second

func statusCommand() command {
	c := command{
		name:    "status",
		summary: "show every stage, its lag, the map, what is wrong and what to do",
		help: `Reads the end of the log, asks the coordinators who is at work, and asks the servers that the configuration names: it
works from wherever these can be reached, and needs nothing of the processes themselves. It writes nothing. What could not
be learned is said, and why. Event time is compared with this machine's clock; of a replay, --now says what time it is.

The exit code is 0 if all is well, 1 if something is wrong or could not be learned. docs/operations.md has an entry for
each finding, and the fields of --json.

Examples:
  detour status
  detour status --watch
  detour status --json | jq '.findings[].id'
  detour status --timeout 30s --now 2026-03-01T12:00:00Z`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		fs := c.flags(std)
		path := configFlag(fs)
		asJSON := fs.Bool("json", false, "print JSON")
		watch := fs.Bool("watch", false, "look again every 2 seconds, until stopped")
		timeout := fs.Duration("timeout", 10*time.Second, "how long all questions together may take")
		now := fs.String("now", "", "`time` that events are compared with, RFC 3339; empty = this machine's clock")
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		if *timeout < 100*time.Millisecond {
			return configErrorf("--timeout is %s, it has to be at least 100ms", *timeout)
		}
		s := survey{timeout: *timeout}
		if *now != "" {
			at, err := time.Parse(time.RFC3339, *now)
			if err != nil {
				return configErrorf("--now is %q, it has to be a time as in 2026-03-01T12:00:00Z", *now)
			}
			s.now = at.UnixMilli()
		}
		cfg, err := loadConfig(*path)
		if err != nil {
			return err
		}
		cfg.Log.Level = zerolog.Disabled.String() // the screen says what a log would
		if s.database, err = cfg.database(zerolog.Nop()); err != nil {
			return err
		}
		if s.database != nil {
			defer s.database.Close()
		}
		return withPipeline(cfg, std, func(p *pipeline) error {
			s.p = p
			if *watch {
				return s.watch(ctx, std, *asJSON)
			}
			report, err := s.report(ctx)
			if err != nil {
				return err
			}
			return answer(std, report, *asJSON)
		})
	}
	return c
}

// answer prints a report; one of a pipeline that is not well is an error without words.
func answer(std stdio, report *status.Report, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(std.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(report); err != nil {
			return err
		}
	} else if _, err := std.out.Write([]byte(report.Screen(console.IsTerminal(std.out)))); err != nil {
		return err
	}
	if !report.Well {
		return errAnswered
	}
	return nil
}

// watch prints reports until ctx ends: on a terminal in place, with --json one a line.
func (s *survey) watch(ctx context.Context, std stdio, asJSON bool) error {
	show := newShow(std.out)
	for {
		report, err := s.report(ctx)
		if err != nil {
			return stopped(ctx, err)
		}
		if asJSON {
			err = json.NewEncoder(std.out).Encode(report)
		} else {
			err = show.draw(report)
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}
