// Package story tells what the log holds of one resolver: where its users are sent, since when, why, and how it came to
// that. It reads and writes for people; no output of any stage depends on it.
package story

import (
	"net/netip"
	"slices"

	"detour/decide"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
)

// Story is what is known of one resolver as of a moment.
type Story struct {
	Resolver   netip.Addr
	At         Moment
	State      *Row  // as it was last written; nil = none: it is where its prefix is
	Prefix     *Row  // the same of its prefix; nil = none: those without a state are on the default path
	Neighbours []Row // resolvers of its prefix that have a state, by address: only where State is nil
	Changes    []Row // its own and its prefix's, oldest first
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

// Place returns the row that says where the resolver is; nil = none does: it is on the default path.
func (s *Story) Place() *Row {
	if s.State == nil {
		return s.Prefix
	}
	return s.State
}

// FromChanges tells the story as of a tick from all changes up to it of the resolver and its prefix, oldest first.
func FromChanges(resolver netip.Addr, at Moment, changes []Row) *Story {
	s := &Story{Resolver: resolver, At: at, Changes: changes, Whole: true}
	if len(changes) > 0 {
		s.From = changes[0].Pane
	}
	for i := range changes {
		row := &changes[i]
		about := &s.State
		if row.Decision.Bits != 0 {
			about = &s.Prefix
		}
		if *about = row; row.Decision.Gone == 1 {
			*about = nil
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
	state map[netip.Prefix]Row // of near and all in it
	ticks int
}

func listen(resolver netip.Addr) *listener {
	return &listener{story: Story{Resolver: resolver}, near: schemas.PrefixOf(resolver), state: make(map[netip.Prefix]Row)}
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
		delete(l.state, d.Subject())
	} else {
		l.state[d.Subject()] = r
	}
	if d.Changed == 1 && (d.Bits != 0 || d.Resolver == l.story.Resolver) {
		l.story.Changes = append(l.story.Changes, r)
	}
}

// tell returns the story so far.
func (l *listener) tell() *Story {
	s := l.story
	if r, known := l.state[l.near]; known {
		s.Prefix = &r
	}
	if own, known := l.state[schemas.Subject(s.Resolver, 0)]; known {
		s.State = &own
		return &s
	}
	for subject, r := range l.state {
		if subject != l.near {
			s.Neighbours = append(s.Neighbours, r)
		}
	}
	slices.SortFunc(s.Neighbours, func(a, b Row) int { return decision.Compare(&a.Decision, &b.Decision) })
	return &s
}
