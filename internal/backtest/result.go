package backtest

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"detour/schemas/control"
)

// Result is what would have changed. Users are weighed by runs; shares are fractions.
type Result struct {
	From    int64 `json:"from"`  // start of the first pane that counts, ms
	To      int64 `json:"to"`    // end of the last one, ms
	Panes   int64 `json:"panes"` // that count
	WarmUp  int64 `json:"warm_up_panes"`
	Partial bool  `json:"partial"` // less was left to warm up on than the longer window of the two policies

	Recorded string `json:"recorded_policy"` // hash of the one in force at From
	New      string `json:"new_policy"`

	Resolvers int    `json:"resolvers"` // with runs in the panes that count
	Runs      uint64 `json:"runs"`
	// Moved is the share of runs that the new policy would have sent another way.
	Moved float64 `json:"moved"`
	// At the end: resolvers that the deciders send different ways, and their share of all runs.
	MovedResolvers int     `json:"moved_resolvers"`
	MovedWeight    float64 `json:"moved_weight"`

	Before    Side    `json:"before"`
	After     Side    `json:"after"`
	Reasons   []Turn  `json:"reasons"`   // of the resolvers moved at the end, by weight
	Largest   []Move  `json:"largest"`   // the heaviest resolvers moved at the end
	Countries []Group `json:"countries"` // by runs
	Networks  []Group `json:"networks"`  // by runs
}

// Figures are means over runs, those on the default path included.
type Figures struct {
	Off    float64 `json:"off_default"` // share of runs
	GainMS float64 `json:"gain_ms"`     // a request, as the decider expected
	Harm   float64 `json:"harm"`        // share of clients, as the decider expected

	// How much faster connections were that were measured after the decider had chosen their path, off the default one;
	// left out where none was.
	FasterNew    *float64 `json:"faster_new,omitempty"`
	FasterReused *float64 `json:"faster_reused,omitempty"`
}

// Side is one decider over the panes that count.
type Side struct {
	Figures
	Rerouted   int     `json:"rerouted"` // resolvers off the default path at the end
	Moves      uint64  `json:"moves"`
	MovesADay  float64 `json:"moves_per_resolver_day"`
	MovedTwice int     `json:"moved_twice"` // resolvers with two moves or more
}

// Turn is a change of the reason that resolvers are where they are.
type Turn struct {
	Before    string  `json:"before"`
	After     string  `json:"after"`
	Resolvers int     `json:"resolvers"`
	Weight    float64 `json:"weight"`
}

// Move is a resolver that the new policy sends another way at the end.
type Move struct {
	Resolver netip.Addr `json:"resolver"`
	From     string     `json:"from"`
	To       string     `json:"to"`
	Before   string     `json:"before"` // reason
	After    string     `json:"after"`
	Weight   float64    `json:"weight"`
	GainMS   float64    `json:"gain_ms"` // more than before
	Harm     float64    `json:"harm"`    // under the new policy
}

// Group is the clients of a country, or of a network.
type Group struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"` // share of all runs
	Moved  float64 `json:"moved"`  // share of its runs
	Before Figures `json:"before"`
	After  Figures `json:"after"`
}

// maxLargest is how many moves are listed.
const maxLargest = 20

func (c *comparison) result(was, would *control.Policy) *Result {
	r := &Result{
		From: c.first, To: c.last + c.genesis.Pane, Panes: c.panes, WarmUp: (c.first - c.begun) / c.genesis.Pane,
		Recorded: was.Hash(), New: would.Hash(), Runs: c.all.runs, Moved: share(c.all.moved, c.all.runs),
		Before: Side{Figures: c.all.before.figures(c.all.runs)}, After: Side{Figures: c.all.after.figures(c.all.runs)},
	}
	c.count(r)
	days := float64(r.To-r.From) / 86_400_000
	for _, s := range [...]*Side{&r.Before, &r.After} {
		if r.Resolvers > 0 {
			s.MovesADay = float64(s.Moves) / days / float64(r.Resolvers)
		}
	}
	for code, t := range c.countries {
		r.Countries = append(r.Countries, c.group(named(code.String()), t))
	}
	for asn, t := range c.networks {
		name := named("")
		if asn != 0 {
			name = fmt.Sprintf("AS%d", asn)
		}
		r.Networks = append(r.Networks, c.group(name, t))
	}
	byWeight(r.Countries)
	byWeight(r.Networks)
	return r
}

func named(name string) string {
	if name == "" {
		return "unknown or small"
	}
	return name
}

func byWeight(groups []Group) {
	slices.SortFunc(groups, func(a, b Group) int { return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Name, b.Name)) })
}

func (c *comparison) group(name string, t *tally) Group {
	return Group{
		Name: name, Weight: share(t.runs, c.all.runs), Moved: share(t.moved, t.runs),
		Before: t.before.figures(t.runs), After: t.after.figures(t.runs),
	}
}

// count goes through the resolvers as they are at the end.
func (c *comparison) count(r *Result) {
	turns := make(map[[2]string]*Turn)
	// In an order of their own: sums of floats depend on it.
	for _, address := range slices.SortedFunc(maps.Keys(c.resolvers), netip.Addr.Compare) {
		of := c.resolvers[address]
		if of.runs > 0 {
			r.Resolvers++
		}
		before, after := of.at(recorded, &c.usual), of.at(other, &c.usual)
		r.Before.count(before.path != c.usual.path, of.moves[recorded])
		r.After.count(after.path != c.usual.path, of.moves[other])
		if before.path == after.path {
			continue
		}
		m := c.moveOf(address, of.runs, before, after)
		r.MovedResolvers++
		r.MovedWeight += m.Weight
		r.Largest = append(r.Largest, m)
		t := turns[[2]string{m.Before, m.After}]
		if t == nil {
			t = &Turn{Before: m.Before, After: m.After}
			turns[[2]string{m.Before, m.After}] = t
		}
		t.Resolvers++
		t.Weight += m.Weight
	}
	for _, t := range turns {
		r.Reasons = append(r.Reasons, *t)
	}
	slices.SortFunc(r.Reasons, func(a, b Turn) int {
		return cmp.Or(cmp.Compare(b.Resolvers, a.Resolvers), cmp.Compare(a.Before, b.Before), cmp.Compare(a.After, b.After))
	})
	slices.SortFunc(r.Largest, func(a, b Move) int { return cmp.Or(cmp.Compare(b.Weight, a.Weight), a.Resolver.Compare(b.Resolver)) })
	r.Largest = r.Largest[:min(len(r.Largest), maxLargest)]
}

func (s *Side) count(off bool, moves uint32) {
	s.Moves += uint64(moves)
	if moves > 1 {
		s.MovedTwice++
	}
	if off {
		s.Rerouted++
	}
}

func (c *comparison) moveOf(address netip.Addr, runs uint64, before, after *place) Move {
	paths := c.genesis.PathIDs()
	return Move{
		Resolver: address, From: paths[before.path], To: paths[after.path],
		Before: before.reason.String(), After: after.reason.String(), Weight: share(runs, c.all.runs),
		GainMS: float64(after.gain-before.gain) / 1000, Harm: float64(after.harm) / 1e6,
	}
}
