package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"time"

	"detour/decide"
	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/decision"
)

func explainCommand() command {
	c := command{
		name:    "explain",
		args:    "RESOLVER",
		summary: "say which path a resolver is on, since when, and why",
		help: `Reads the decisions topic: the state now, and the changes within the last --ticks ticks (a tick is a pane). Older
changes are in ClickHouse, table decisions.

Examples:
  detour explain --config detour.yaml 192.0.2.1
  detour explain --config detour.yaml --json 2001:db8::53`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		fs := c.flags(std)
		path := configFlag(fs)
		ticks := fs.Int("ticks", 1440, "how many ticks to look back for changes")
		asJSON := fs.Bool("json", false, "print JSON")
		if err := parse(fs, args, 1); err != nil {
			return err
		}
		resolver, err := netip.ParseAddr(fs.Arg(0))
		if err != nil || resolver.Zone() != "" {
			return configErrorf("%q is not an IP address without a zone", fs.Arg(0))
		}
		if *ticks < 1 {
			return configErrorf("--ticks is %d, it has to be at least 1", *ticks)
		}
		return withLog(ctx, std, *path, func(p *pipeline) error {
			story, err := readStory(ctx, p.log, resolver.Unmap(), *ticks)
			if err != nil {
				return err
			}
			if *asJSON {
				return story.writeJSON(std.out, p.cfg.Genesis.PathIDs())
			}
			story.write(std.out, p.cfg.Genesis.PathIDs(), p.cfg.Genesis.DefaultPath())
			return nil
		})
	}
	return c
}

// story is what the log tells of one resolver.
type story struct {
	resolver netip.Addr
	pane     int64               // newest tick
	state    *decision.Decision  // nil = no state: the default path
	changes  []decision.Decision // oldest first
	at       []int64             // pane of each change
}

// readStory reads back over the given number of ticks, and further to a snapshot if there is none among them.
func readStory(ctx context.Context, log dataflow.Log, resolver netip.Addr, ticks int) (*story, error) {
	var s *story
	_, _, err := dataflow.Tail(ctx, log, schemas.Partition{Topic: schemas.Decisions}, func(records []schemas.Record) (bool, error) {
		s = &story{resolver: resolver}
		seen, snapshot := 0, false
		var whole decision.Assembler
		for i := range records {
			batch, err := decision.Decode(records[i].Value)
			if err != nil {
				continue // no reader ever took it
			}
			if tick, err := whole.Add(batch); err == nil && tick != nil {
				seen, snapshot = seen+1, snapshot || tick.Tick.Snapshot
				s.add(tick)
			}
		}
		return snapshot && seen >= ticks, nil
	})
	if err == nil && s.pane == 0 {
		err = fmt.Errorf("there is no decision yet: \"detour decide\" has not completed a tick")
	}
	return s, err
}

// add takes the next tick.
func (s *story) add(w *decision.Whole) {
	s.pane = w.Pane
	if w.Tick.Snapshot {
		s.state = nil
	}
	for _, d := range w.Decisions {
		if d.Resolver != s.resolver {
			continue
		}
		if s.state = &d; d.Gone == 1 {
			s.state = nil
		}
		if d.Changed == 1 {
			s.changes, s.at = append(s.changes, d), append(s.at, w.Pane)
		}
	}
}

func (s *story) write(w io.Writer, paths []string, byDefault uint8) {
	if s.state == nil {
		fmt.Fprintf(w, "%s is on %s, the default: there is no evidence about it.\n", s.resolver, paths[byDefault])
	} else {
		fmt.Fprintf(w, "%s is on %s%s.\n", s.resolver, paths[s.state.Path], since(s.state))
		for _, line := range decide.Explain(*s.state, paths) {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
	fmt.Fprintf(w, "\nAs of %s. ", clockTime(s.pane))
	if len(s.changes) == 0 {
		fmt.Fprintln(w, "Nothing changed in the ticks looked at.")
		return
	}
	fmt.Fprintln(w, "Changes:")
	for i, d := range s.changes {
		fmt.Fprintf(w, "  %s  %-10s %-14s %5d runs\n", clockTime(s.at[i]), paths[d.Path], d.Reason, d.Runs)
	}
}

// since says how long a resolver has been on its path; one that was never moved always was.
func since(d *decision.Decision) string {
	if d.Since == 0 {
		return ", where it always was"
	}
	return " since " + clockTime(d.Since)
}

func clockTime(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }

func (s *story) writeJSON(w io.Writer, paths []string) error {
	type entry struct {
		Pane        string   `json:"pane"`
		Path        string   `json:"path"`
		Since       string   `json:"since,omitempty"` // left out: it was never moved
		Reason      string   `json:"reason"`
		Level       string   `json:"level"`
		Runs        uint32   `json:"runs"`
		Explanation []string `json:"explanation"`
	}
	describe := func(pane int64, d *decision.Decision) *entry {
		if d == nil {
			return nil
		}
		e := &entry{
			Pane: clockTime(pane), Path: paths[d.Path], Reason: d.Reason.String(), Level: d.Level.String(), Runs: d.Runs,
			Explanation: decide.Explain(*d, paths),
		}
		if d.Since != 0 {
			e.Since = clockTime(d.Since)
		}
		return e
	}
	out := struct {
		Resolver string   `json:"resolver"`
		Now      *entry   `json:"now"` // null: no evidence, so the default path
		Changes  []*entry `json:"changes"`
	}{s.resolver.String(), describe(s.pane, s.state), []*entry{}}
	for i := range s.changes {
		out.Changes = append(out.Changes, describe(s.at[i], &s.changes[i]))
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}
