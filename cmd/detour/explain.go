package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"detour/decide/story"
	"detour/internal/replay"
	"detour/publish/tail"
	"detour/schemas/pathmap"
)

func explainCommand() command {
	c := command{
		name:    "explain",
		args:    "RESOLVER",
		summary: "say which path a resolver is on, since when, and why",
		help: `Reads the decisions topic: the state now, or as of a published version, in words and numbers; what would have changed it;
and the changes within the last --ticks ticks (a tick is a pane), newest last. Where the topic no longer reaches back to the
version, ClickHouse is asked, if the configuration names one.

Examples:
  detour explain --config detour.yaml 192.0.2.1
  detour explain --config detour.yaml --version 17 192.0.2.1       # as of the tick that version 17 was made of
  detour explain --config detour.yaml --json 2001:db8::53`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		fs := c.flags(std)
		path := configFlag(fs)
		version := fs.Int64("version", 0, "tell as of the published version `number`")
		ticks := fs.Int("ticks", 1440, "how many ticks to look back for changes")
		data := fs.String("data", "", "look at what \"detour demo --data\" left in this `folder`, or a copy of what it has written so far")
		asJSON := fs.Bool("json", false, "print JSON")
		if err := parse(fs, args, 1); err != nil {
			return err
		}
		resolver, err := netip.ParseAddr(fs.Arg(0))
		switch {
		case err != nil || resolver.Zone() != "":
			return configErrorf("%q is not an IP address without a zone", fs.Arg(0))
		case *ticks < 1:
			return configErrorf("--ticks is %d, it has to be at least 1", *ticks)
		case given(fs, "version") && *version < 1:
			return configErrorf("--version is %d, versions begin at 1", *version)
		case *data != "" && given(fs, "config"):
			return configErrorf("--data and --config contradict each other: a demo's folder has its own configuration")
		}
		tell := func(p *pipeline) error {
			return explain(ctx, std, &question{pipeline: p, resolver: resolver.Unmap(), version: *version, ticks: *ticks}, *asJSON)
		}
		if *data != "" {
			return withDemoLog(std, *data, tell)
		}
		return withLog(ctx, std, *path, tell)
	}
	return c
}

// question is what explain is asked.
type question struct {
	*pipeline
	resolver netip.Addr
	version  int64 // 0 = as of the last tick
	ticks    int
}

// explain answers a question in words, or as JSON.
func explain(ctx context.Context, std stdio, q *question, asJSON bool) error {
	err := checkGenesis(ctx, q.pipeline)
	switch {
	case errors.Is(err, replay.ErrNoVersion):
		return story.ErrNoTick
	case err != nil:
		return err
	}
	policies, err := story.Policies(ctx, q.log)
	if err != nil {
		return err
	}
	t := &story.Teller{
		Paths: q.cfg.Genesis.PathIDs(), Usual: q.cfg.Genesis.DefaultPath(), Length: q.cfg.Genesis.Pane, Policies: policies,
	}
	var s *story.Story
	var m *story.Map
	if q.version == 0 {
		s, m, err = q.now(ctx)
	} else {
		s, m, err = q.then(ctx, t.Paths)
	}
	switch {
	case err != nil:
		return err
	case asJSON:
		return t.WriteJSON(std.out, s, m)
	}
	return t.Write(std.out, s, m)
}

// now tells the story as of the last tick, and what the last map says.
func (q *question) now(ctx context.Context) (*story.Story, *story.Map, error) {
	s, err := q.reader().Now(ctx, q.resolver)
	if err != nil {
		return nil, nil, err
	}
	end, err := tail.Read(ctx, q.log, 1)
	if err != nil || end.Last() == nil {
		return s, nil, err
	}
	m, err := q.published(end.Last())
	return s, m, err
}

// then tells the story as of a version: from the log, or where that is not possible any more, from ClickHouse.
func (q *question) then(ctx context.Context, paths []string) (*story.Story, *story.Map, error) {
	published, err := tail.Find(ctx, q.log, q.version)
	switch {
	case errors.Is(err, tail.ErrNotHeld):
		return q.recall(ctx, paths, nil)
	case err != nil:
		return nil, nil, err
	}
	m := &published.Manifest
	s, err := q.reader().At(ctx, q.resolver, m.Tick, m.TickDigest, m.Positions.Decisions)
	if errors.Is(err, story.ErrGone) {
		return q.recall(ctx, paths, published)
	}
	if err != nil {
		return nil, nil, err
	}
	says, err := q.published(published)
	return s, says, err
}

func (q *question) reader() *story.Reader {
	return &story.Reader{Log: q.log, Genesis: q.cfg.Genesis.Hash(), Ticks: q.ticks}
}

// published returns what a version says of the resolver.
func (q *question) published(v *pathmap.Publication) (*story.Map, error) {
	content, err := v.Manifest.Open(v.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the map: %w", err)
	}
	return &story.Map{Version: v.Manifest.Version, Tick: v.Manifest.Tick, Path: content.Path(q.resolver)}, nil
}
