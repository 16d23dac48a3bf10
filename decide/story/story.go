// Package story tells what the log holds of one resolver: where its users are sent, since when, why, and how it came to
// that. It reads and writes for people; no output of any stage depends on it.
package story

import (
	"net/netip"
	"slices"

	"detour/decide"
	"detour/schemas/control"
	"detour/schemas/decision"
)

// Story is what is known of one resolver as of a moment.
type Story struct {
	Resolver   netip.Addr
	At         Moment
	State      *Row  // as it was last written; nil = none: it is on the default path
	Neighbours []Row // resolvers of its prefix that have a state, by address: only where State is nil
	Changes    []Row // oldest first
	From       int64 // pane of the first tick that was looked at for changes, ms
	Whole      bool  // there was none before it
}

// Moment is a tick.
type Moment struct {
	Pane   int64 // that it reached, ms
	Tick   int64 // its number
	Digest string
	Policy string // hash
}

// Row is what a tick says of a resolver. It is written when a state changes, and in snapshots.
type Row struct {
	Moment
	Decision decision.Decision
}

// Map is what a published version says of the resolver.
type Map struct {
	Version int64
	Tick    int64
	Path    uint8
}

// FromChanges tells the story as of a tick from all changes up to it, oldest first.
func FromChanges(resolver netip.Addr, at Moment, changes []Row) *Story {
	s := &Story{Resolver: resolver, At: at, Changes: changes, Whole: true}
	if n := len(changes); n > 0 {
		s.From = changes[0].Pane
		if changes[n-1].Decision.Gone == 0 {
			s.State = &changes[n-1]
		}
	}
	return s
}

// Teller has what it takes to put a story in words.
type Teller struct {
	Paths    []string
	Usual    uint8                      // the default path
	Length   int64                      // of a pane, ms
	Policies map[string]*control.Policy // by hash
}

func (t *Teller) explainer(policy string) *decide.Explainer {
	return &decide.Explainer{Paths: t.Paths, Usual: t.Usual, Length: t.Length, Policy: t.Policies[policy]}
}

func (t *Teller) path(path uint8) string {
	if int(path) < len(t.Paths) {
		return t.Paths[path]
	}
	return "an unknown path"
}

// listener follows whole ticks and keeps what they say of a resolver and its neighbours.
type listener struct {
	story Story
	near  netip.Prefix
	state map[netip.Addr]Row // of all in near
	ticks int
}

func listen(resolver netip.Addr) *listener {
	return &listener{story: Story{Resolver: resolver}, near: decide.Neighbours(resolver), state: make(map[netip.Addr]Row)}
}

// add takes the next tick that is kept.
func (l *listener) add(w *decision.Whole) {
	at := Moment{Pane: w.Pane, Tick: w.Tick.Number, Digest: w.Tick.Digest, Policy: w.Tick.Policy}
	if l.ticks++; l.ticks == 1 {
		l.story.From, l.story.Whole = w.Pane, w.Tick.Number == 1
	}
	l.story.At = at
	for i := range w.Decisions {
		if d := w.Decisions[i]; l.near.Contains(d.Resolver) {
			l.take(Row{at, d})
		}
	}
}

func (l *listener) take(r Row) {
	d := &r.Decision
	if d.Gone == 1 {
		delete(l.state, d.Resolver)
	} else {
		l.state[d.Resolver] = r
	}
	if d.Resolver == l.story.Resolver && d.Changed == 1 {
		l.story.Changes = append(l.story.Changes, r)
	}
}

// tell returns the story so far.
func (l *listener) tell() *Story {
	s := l.story
	if own, known := l.state[s.Resolver]; known {
		s.State = &own
		return &s
	}
	for _, r := range l.state {
		s.Neighbours = append(s.Neighbours, r)
	}
	slices.SortFunc(s.Neighbours, func(a, b Row) int { return decision.Compare(&a.Decision, &b.Decision) })
	return &s
}
