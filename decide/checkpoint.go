package decide

import (
	"fmt"
	"net/netip"

	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/control"
	"detour/schemas/decision"
)

// Checkpoint is what the decisions topic says of the state after its last tick. The zero value knows nothing. It is put
// together from the topic's records in order, from any point on: the first snapshot that is complete begins it.
type Checkpoint struct {
	Pane  int64 // that the last tick reached, ms
	Tick  decision.Tick
	State map[netip.Prefix]decision.Decision // by Decision.Subject: every resolver and prefix with state; nil = no tick yet

	chain decision.Chain
}

// FromTheMiddle returns the checkpoint of a reader that does not begin where the topic does.
func FromTheMiddle() *Checkpoint { return &Checkpoint{chain: decision.ChainFromTheMiddle()} }

// Read takes the next record of the decisions topic. An error says why it is passed over, as every reader does: it can't
// be decoded, was written for another genesis (given by its hash) or another number of paths, or completes a tick that does
// not fit its digest.
func (c *Checkpoint) Read(genesis string, paths int, r *schemas.Record) error {
	b, err := decodeTick(genesis, paths, r)
	if err != nil {
		return err
	}
	w, relation, err := c.chain.Add(b)
	if w != nil {
		c.apply(w, relation)
	}
	return err
}

// Extend takes the next complete tick, for those who put ticks together themselves. It reports whether it is kept.
func (c *Checkpoint) Extend(w *decision.Whole) bool {
	relation := c.chain.Keep(w)
	if relation != chunk.Stray {
		c.apply(w, relation)
	}
	return relation != chunk.Stray
}

// Sure reports whether a reader that began further back would have the same checkpoint. It stays so behind a gap in the
// chain: everybody goes on with the same snapshot there.
func (c *Checkpoint) Sure() bool { return c.chain.Sure() }

func (c *Checkpoint) apply(w *decision.Whole, relation chunk.Relation) {
	if relation == chunk.Restart {
		c.State = make(map[netip.Prefix]decision.Decision, len(w.Decisions))
	}
	c.Pane, c.Tick = w.Pane, w.Tick
	for i := range w.Decisions {
		d := &w.Decisions[i]
		if d.Gone == 1 {
			delete(c.State, d.Subject())
		} else {
			c.State[d.Subject()] = *d
		}
	}
}

// Resume returns a machine that goes on after the checkpoint's last tick: it reads control up to where that tick had,
// and the windows of the panes that its evidence consists of, and says nothing until the next pane. Where there was no
// tick yet, it is the machine at the beginning. The checkpoint has read the decisions topic up to the offset attempt,
// and is the machine's own from here on.
func Resume(genesis control.Genesis, attempt int64, c *Checkpoint) (*Machine, error) {
	m := New(genesis, attempt)
	m.back.chain = c.chain
	if c.State == nil {
		return m, nil
	}
	at := &c.Tick.Positions
	switch {
	case len(at.Windows) != genesis.Samples || len(at.Resume) != genesis.Samples:
		return nil, fmt.Errorf("resume after tick %d: positions of %d and %d partitions, there are %d",
			c.Tick.Number, len(at.Windows), len(at.Resume), genesis.Samples)
	case at.From > c.Pane || (c.Pane-at.From)%genesis.Pane != 0 || at.From%genesis.Pane != 0:
		return nil, fmt.Errorf("resume after tick %d: evidence of panes %d to %d, of %d ms", c.Tick.Number, at.From, c.Pane, genesis.Pane)
	case at.Reach > c.Pane:
		return nil, fmt.Errorf("resume after tick %d: reachability from pane %d on, it reached %d", c.Tick.Number, at.Reach, c.Pane)
	}
	m.control.known = at.Control
	for i, p := range m.partitions {
		p.resume(at.Resume[i], at.Windows[i], at.From-genesis.Pane)
	}
	m.rebuilt, m.due, m.through, m.last = false, at.From, c.Pane, c.Tick
	m.evidence.outages.reach = at.Reach
	if at.Missing != 0 {
		m.evidence.missing = at.Missing
	}
	for _, d := range c.State {
		if d.Bits != 0 {
			m.settlePrefix(&d)
			continue
		}
		r := &resolver{address: d.Resolver, path: d.Path}
		m.evidence.enter(r)
		m.rerouted += off(d.Path, m.judge.usual)
		m.evidence.settle(r, &d)
	}
	return m, nil
}
