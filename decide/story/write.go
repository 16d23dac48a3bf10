package story

import (
	"fmt"
	"io"
	"strings"
	"time"

	"detour/schemas"
	"detour/schemas/decision"
)

// maxNeighbours is how many neighbours are listed.
const maxNeighbours = 8

// Write tells the story in words; published is what the map says that it is told with, nil = there is none.
func (t *Teller) Write(w io.Writer, s *Story, published *Map) error {
	var b strings.Builder
	t.state(&b, s)
	t.moment(&b, s, published)
	t.neighbours(&b, s)
	t.changes(&b, s)
	_, err := io.WriteString(w, b.String())
	return err
}

// state says where the resolver is and why.
func (t *Teller) state(b *strings.Builder, s *Story) {
	place := s.Place()
	if place == nil {
		fmt.Fprintf(b, "%s is on %s, the default: there is no evidence about it.\n", s.Resolver, t.path(t.Usual))
		return
	}
	d := &place.Decision
	fmt.Fprintf(b, "%s is on %s%s%s.\n\n", s.Resolver, t.path(d.Path), t.unlike(s), since(d, s.At.Pane+t.Length))
	e := t.explainer(place.Policy)
	x := e.Explain(d)
	fmt.Fprintf(b, "  %-10s %s\n", "why", e.Reason(d))
	for _, seen := range x.Seen {
		fmt.Fprintf(b, "  %-10s %s\n", seen.What, seen.Found)
	}
	if x.Otherwise != "" {
		fmt.Fprintf(b, "  %-10s %s%s\n", "otherwise", x.Otherwise, from(x.Until, s.At.Pane))
	}
}

// unlike says how a resolver and its prefix stand to each other, where that is worth a word.
func (t *Teller) unlike(s *Story) string {
	switch {
	case s.State == nil:
		return fmt.Sprintf(", like all of %s without evidence of their own", schemas.SubjectText(s.Prefix.Decision.Subject()))
	case s.State.Decision.Exception == 1 && s.Prefix != nil:
		return fmt.Sprintf(", unlike its prefix %s on %s", schemas.SubjectText(s.Prefix.Decision.Subject()), t.path(s.Prefix.Decision.Path))
	}
	return ""
}

// since says how long a resolver has been on its path, as of the time now; one that was never moved always was.
func since(d *decision.Decision, now int64) string {
	if d.Since == 0 {
		return ", where it always was"
	}
	return fmt.Sprintf(" since %s (%s)", clock(d.Since), span(now-d.Since))
}

// from says that something waits for a pane, if that is yet to come.
func from(pane, now int64) string {
	if pane <= now {
		return ""
	}
	return ", at the earliest at " + clock(pane)
}

// moment says what the story is told as of, and what the map says.
func (t *Teller) moment(b *strings.Builder, s *Story, m *Map) {
	fmt.Fprintf(b, "\nAs of %s: tick %d, policy %.12s.\n", clock(s.At.Pane), s.At.Tick, s.At.Policy)
	if place := s.Place(); place != nil && place.Tick != s.At.Tick {
		fmt.Fprintf(b, "The numbers are those of tick %d, %s, when they were last written.\n", place.Tick, clock(place.Pane))
	}
	switch {
	case m == nil:
		fmt.Fprintln(b, "No map is published yet.")
	case m.Path == t.Usual:
		fmt.Fprintf(b, "Map version %d, of tick %d, leaves it on the default, %s.\n", m.Version, m.Tick, t.path(m.Path))
	default:
		fmt.Fprintf(b, "Map version %d, of tick %d, sends it to %s.\n", m.Version, m.Tick, t.path(m.Path))
	}
}

func (t *Teller) neighbours(b *strings.Builder, s *Story) {
	if len(s.Neighbours) == 0 {
		return
	}
	fmt.Fprintf(b, "\nNeighbours that something is known of:\n")
	for i := range s.Neighbours {
		if i == maxNeighbours {
			fmt.Fprintf(b, "  and %d more\n", len(s.Neighbours)-i)
			break
		}
		n := &s.Neighbours[i]
		fmt.Fprintf(b, "  %s is on %s: %s\n", n.Decision.Resolver, t.path(n.Decision.Path), t.reason(n))
	}
}

// changes lists the resolver's history, newest last.
func (t *Teller) changes(b *strings.Builder, s *Story) {
	before := ""
	if !s.Whole {
		before = fmt.Sprintf(" since %s, further back was not looked", clock(s.From))
	}
	if len(s.Changes) == 0 {
		fmt.Fprintf(b, "\nNothing changed%s.\n", before)
		return
	}
	fmt.Fprintf(b, "\nHistory%s:\n", before)
	moves := make([]string, len(s.Changes))
	width := 0
	for i := range s.Changes {
		moves[i] = t.move(&s.Changes[i].Decision)
		width = max(width, len(moves[i]))
	}
	for i := range s.Changes {
		c := &s.Changes[i]
		fmt.Fprintf(b, "  %s  %-*s  %s\n", clock(c.Pane), width, moves[i], t.reason(c))
	}
}

// move says where a change sent the resolver, or its prefix, which it names.
func (t *Teller) move(d *decision.Decision) string {
	about := ""
	if d.Bits != 0 {
		about = schemas.SubjectText(d.Subject()) + " "
	}
	if d.Path == d.Previous {
		return about + "stays on " + t.path(d.Path)
	}
	return about + t.path(d.Previous) + " -> " + t.path(d.Path)
}

func (t *Teller) reason(r *Row) string {
	e := t.explainer(r.Policy)
	reason := e.Reason(&r.Decision)
	if figures := e.Figures(&r.Decision); figures != "" {
		reason += " (" + figures + ")"
	}
	return reason
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }

// span writes a duration in ms by its two largest units.
func span(ms int64) string {
	minutes := ms / 60_000
	switch {
	case minutes < 60:
		return fmt.Sprintf("%d min", minutes)
	case minutes < 24*60:
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	}
	return fmt.Sprintf("%d d %d h", minutes/(24*60), minutes/60%24)
}
