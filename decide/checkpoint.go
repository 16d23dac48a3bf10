package decide

import (
	"fmt"
	"net/netip"

	"detour/schemas/control"
	"detour/schemas/decision"
)

// Checkpoint is what the decisions topic says of the state after its last tick. The zero value knows nothing. It is put
// together from a snapshot and the ticks that follow it.
type Checkpoint struct {
	Pane  int64 // that the last tick reached, ms
	Tick  decision.Tick
	State map[netip.Addr]decision.Decision // of every resolver with state
}

// Extend takes the next complete tick of the topic. It reports whether it belongs to the chain: a snapshot always begins
// one, and what comes after has to name the tick before.
func (c *Checkpoint) Extend(w *decision.Whole) bool {
	switch {
	case c.State != nil && w.Tick.Previous == c.Tick.Digest && w.Pane > c.Pane:
	case c.State == nil && w.Tick.Snapshot:
		c.State = make(map[netip.Addr]decision.Decision, len(w.Decisions))
	default:
		return false
	}
	c.Pane, c.Tick = w.Pane, w.Tick
	for i := range w.Decisions {
		d := &w.Decisions[i]
		if d.Gone == 1 {
			delete(c.State, d.Resolver)
		} else {
			c.State[d.Resolver] = *d
		}
	}
	return true
}

// Resume returns a machine that goes on after the checkpoint's last tick: it reads control up to where that tick had,
// and the windows of the panes that its evidence consists of, and says nothing until the next pane.
func Resume(genesis control.Genesis, attempt int64, c *Checkpoint) (*Machine, error) {
	m := New(genesis, attempt)
	at := &c.Tick.Positions
	if len(at.Windows) != genesis.Samples || len(at.Resume) != genesis.Samples || at.From > c.Pane {
		return nil, fmt.Errorf("resume after tick %d: positions of %d and %d partitions from pane %d",
			c.Tick.Number, len(at.Windows), len(at.Resume), at.From)
	}
	m.control.known = at.Control
	for i, p := range m.partitions {
		p.offset, p.at, p.known = at.Resume[i], at.Resume[i], at.Windows[i]
		p.last = at.From - genesis.Pane
		p.panes.Skip(p.last)
	}
	m.rebuilt, m.through, m.last = false, c.Pane, c.Tick
	for _, d := range c.State {
		r := &resolver{address: d.Resolver, path: d.Path}
		m.evidence.resolvers[d.Resolver] = r
		m.rerouted += off(d.Path, m.judge.usual)
		m.evidence.settle(r, &d)
	}
	return m, nil
}
