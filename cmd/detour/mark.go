package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	aggregator "detour/aggregate/worker"
	"detour/internal/dataflow"
	"detour/internal/genesis"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/sample"
)

func markCommand() command {
	c := command{
		name:    "mark",
		summary: "show which source holds up panes, or release a dead one",
		help: `A pane is sealed when every source (partition of the reports topic) has passed it, so that one whose partition has been
without a leader for hours holds up all. Releasing it says that panes up to a time need not wait for it. When it comes back,
its samples count in the oldest pane that is open then, flagged as moved; once it has passed that time, panes wait for it
again. Without --source the command only shows.

Examples:
  detour mark --config detour.yaml
  detour mark --config detour.yaml --source 3
  detour mark --config detour.yaml --source 3 --to +1h
  detour mark --config detour.yaml --source 3 --to 2026-03-01T12:00:00Z
  detour mark --config detour.yaml --source 3 --to none`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		fs := c.flags(std)
		path := configFlag(fs)
		source := fs.Int("source", -1, "`number` of the source to release: a partition of the reports topic")
		to := fs.String("to", "", "up to which `time` nothing waits for it: RFC 3339, now (which is the default), +1h from now, or none to take a release back")
		asJSON := fs.Bool("json", false, "print JSON")
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		switch {
		case *source < -1:
			return configErrorf("--source is %d, it has to be at least 0", *source)
		case *source < 0 && *to != "":
			return configErrorf("--to needs --source, the number of the source to release")
		}
		ms, err := releaseTime(cmp.Or(*to, "now"), time.Now())
		if err != nil {
			return err
		}
		m := mark{source: *source, to: ms}
		return withLog(ctx, std, *path, func(p *pipeline) error {
			found, err := m.run(ctx, p)
			if err != nil {
				return err
			}
			if *asJSON {
				return found.writeJSON(std.out)
			}
			found.write(std.out)
			return nil
		})
	}
	return c
}

// releaseTime reads a time to release to: ms, or sample.NoRelease.
func releaseTime(text string, now time.Time) (int64, error) {
	at := now
	switch ahead, relative := strings.CutPrefix(text, "+"); {
	case text == "none":
		return sample.NoRelease, nil
	case relative:
		d, err := time.ParseDuration(ahead)
		if err != nil || d < 0 {
			return 0, configErrorf("--to is %q: behind the + has to be a duration, as in +1h30m", text)
		}
		at = now.Add(d)
	case text != "now":
		var err error
		if at, err = time.Parse(time.RFC3339, text); err != nil {
			return 0, configErrorf("--to is %q, it has to be now, none, +1h or a time as in 2026-03-01T12:00:00Z", text)
		}
	}
	if at.UnixMilli() <= 0 {
		return 0, configErrorf("--to is %q, it has to be after 1970", text)
	}
	return at.UnixMilli(), nil
}

// mark is one run of detour mark.
type mark struct {
	source int   // -1 = only look
	to     int64 // ms, or sample.NoRelease
}

func (m *mark) run(ctx context.Context, p *pipeline) (*marked, error) {
	g := &p.cfg.Genesis
	if err := genesis.Ensure(ctx, p.log, g, control.DefaultPolicy(), p.logger); err != nil {
		return nil, err
	}
	sources, err := p.log.Partitions(ctx, schemas.Reports)
	if err != nil {
		return nil, fmt.Errorf("partitions of %s: %w", schemas.Reports, err)
	}
	if m.source >= sources {
		return nil, configErrorf("--source is %d, %s has the partitions 0 to %d", m.source, p.cfg.names().Of(schemas.Reports), sources-1)
	}
	found := &marked{mark: *m, ordinary: g.Pane + g.Lateness}
	for i := range g.Samples {
		state, err := aggregator.ReadStanding(ctx, p.log, int32(i), sources, latest)
		if err != nil {
			return nil, err
		}
		found.partitions = append(found.partitions, &sourceState{Standing: state, appended: -1})
	}
	if m.source < 0 {
		return found, nil
	}
	return found, m.release(ctx, p.log, g.Hash(), sources, found.partitions)
}

// release appends the release to every samples partition. One that fails leaves those before it released: saying it again
// does no harm.
func (m *mark) release(ctx context.Context, log dataflow.Log, hash string, sources int, partitions []*sourceState) error {
	batch := sample.Batch{Head: sample.Released(hash, int32(m.source), sources, m.to)}
	value, err := batch.Encode()
	if err != nil {
		return err
	}
	for _, state := range partitions {
		p := schemas.Partition{Topic: schemas.Samples, Number: state.Partition}
		if state.appended, err = log.Append(ctx, p, []schemas.Record{{Partition: p, Value: value}}); err != nil {
			return fmt.Errorf("append to %s: %w; partitions before it have it, run this again", p, err)
		}
	}
	return nil
}
