// Package decide says which path each resolver's users are sent over. It is the pure core of the decide stage: a
// machine that reads every windows partition and the control topic, and after each pane, when all partitions have
// completed it, takes one step: a tick.
//
// It promises: the decisions are a function of the windows, of the policy, and of where in between the policy was read;
// how partitions interleave and where reads end changes nothing. A machine that was resumed from its own output goes on
// byte for byte as one that never stopped. It may not use a clock, I/O, randomness, a logger or a transcendental
// function of package math, whose results differ between processors.
//
// A tick is told in Machine.tick. The rules, in their order, are in judge.go; evidence.go holds what they look at.
// Evidence pooled over neighbours would replace the bound in latency.go, damping of flaps belongs beside the hold in
// hold.go, and a ceiling on a path's share would sit in Machine.tick between deciding and writing.
package decide

import (
	"fmt"
	"net/netip"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// Machine implements schemas.Machine.
//
//  1. No partition is more than one pane ahead of another, and of each at most one pane and one fetch is held.
//  2. The policy changes only at ticks, after control was read to its end.
//  3. resolvers holds exactly those with evidence in the window, as the decisions written so far say.
//  4. Until rebuilt, panes become evidence and cause no output: they were decided before.
type Machine struct {
	genesis    string // hash
	length     int64  // of a pane, ms
	attempt    int64
	control    controlReader
	partitions []*partition
	judge      judge
	evidence   evidence

	rebuilt  bool
	through  int64 // the last pane that was decided; window.NoPane before the first
	last     decision.Tick
	rerouted int64
}

// New returns the machine at the very beginning of its inputs. attempt tells its chunks from those of another writer of
// the same tick: the end of the decisions partition when this one took over.
func New(genesis control.Genesis, attempt int64) *Machine {
	m := &Machine{
		genesis: genesis.Hash(),
		length:  genesis.Pane,
		attempt: attempt,
		control: controlReader{genesis: genesis},
		judge:   judge{usual: genesis.DefaultPath(), paths: uint8(len(genesis.Paths)), length: genesis.Pane},
		evidence: evidence{
			usual:     genesis.DefaultPath(),
			resolvers: make(map[netip.Addr]*resolver),
		},
		rebuilt: true,
		through: window.NoPane,
	}
	for i := range genesis.Samples {
		m.partitions = append(m.partitions, &partition{
			number: int32(i), genesis: m.genesis, paths: m.judge.paths, length: m.length, last: window.NoPane,
		})
	}
	return m
}

// Next names what to read: control until there is a policy; then the lowest windows partition that has not completed
// the next pane; and when all have, whatever control holds by now.
func (m *Machine) Next() schemas.Input {
	if !m.control.ready() {
		return m.control.input(true)
	}
	for _, p := range m.partitions {
		if p.pane == nil {
			return p.input()
		}
	}
	return m.control.input(false)
}

// Apply takes what was read at Next. Records that cannot be decoded become rejects. An error means that the log
// contradicts itself or this process: another genesis, a pane that is missing or differs from its seal.
func (m *Machine) Apply(records []schemas.Record, next int64) ([]schemas.Record, error) {
	in := m.Next()
	if in.Partition.Topic == schemas.Control {
		out, err := m.control.read(records, next)
		if err != nil || in.Wait || next > in.Offset {
			return out, err
		}
		return m.tick()
	}
	m.partitions[in.Partition.Number].fetched(records, next)
	return m.collect()
}

// collect lets partitions complete the next pane from what was fetched, in their order so that rejects keep one.
func (m *Machine) collect() ([]schemas.Record, error) {
	var out []schemas.Record
	for {
		for _, p := range m.partitions {
			rejects, err := p.complete()
			out = append(out, rejects...)
			if err != nil {
				return nil, err
			}
			if p.pane == nil {
				return out, nil
			}
		}
		if err := m.aligned(); err != nil {
			return nil, err
		}
		if m.rebuilt {
			return out, nil
		}
		m.take()
		m.rebuilt = m.evidence.newest() == m.through
	}
}

// aligned checks that the partitions completed the same pane, and that it is the one after the last.
func (m *Machine) aligned() error {
	for _, p := range m.partitions {
		if start := p.pane.Start; start != m.partitions[0].pane.Start || start%m.length != 0 {
			return fmt.Errorf("windows/%d is at pane %d, windows/0 at pane %d, of %d ms", p.number, start, m.partitions[0].pane.Start, m.length)
		}
	}
	return nil
}

// take turns the panes that the partitions completed into evidence.
func (m *Machine) take() *pane {
	taken := m.evidence.begin(m.partitions[0].pane.Start)
	for _, p := range m.partitions {
		taken.resume = append(taken.resume, p.began)
		m.evidence.add(taken, p.pane)
		p.pane = nil
	}
	m.evidence.finish(taken)
	return taken
}

// tick takes one pane of every partition into the evidence, drops what is too old, decides for every resolver that this
// touches, and writes what changed.
func (m *Machine) tick() ([]schemas.Record, error) {
	policy := m.control.policy
	everybody := m.judge.use(policy, m.last.Policy)
	taken := m.take()
	m.evidence.slide(policy.Window, policy.Reachability.Window)
	m.through = taken.start

	t := decision.Tick{
		Number:   m.last.Number + 1,
		Snapshot: m.last.Number%int64(policy.Publish.Snapshot) == 0,
		Policy:   m.judge.hash,
		Previous: m.last.Digest,
	}
	rows := m.decide(everybody, t.Snapshot, &t.Totals)
	t.Totals.Windows, t.Totals.Samples = int64(len(taken.rows)), taken.samples
	t.Totals.Incomplete = m.evidence.incomplete()
	t.Positions = m.positions()
	t.Digest = decision.Digest(t.Previous, m.through, t.Policy, rows)
	m.last = t
	out, err := m.write(rows)
	if err != nil {
		return nil, err
	}
	more, err := m.collect()
	return append(out, more...), err
}

// decide applies the rules to the resolvers that something happened to, or to all, and returns the rows to write.
func (m *Machine) decide(everybody, snapshot bool, totals *decision.Totals) []decision.Decision {
	touched := m.evidence.touched(everybody || snapshot)
	rows := make([]decision.Decision, 0, len(touched))
	for _, r := range touched {
		d := m.judge.decide(r, m.through)
		if d.Path != d.Previous {
			totals.Moved++
		}
		m.rerouted += off(d.Path, m.judge.usual) - off(r.path, m.judge.usual)
		m.evidence.settle(r, &d)
		if d.Changed == 1 || snapshot {
			rows = append(rows, d)
		}
	}
	totals.Resolvers, totals.Rerouted = int64(len(m.evidence.resolvers)), m.rerouted
	return rows
}

// off is 1 for a path that is not the usual one.
func off(path, usual uint8) int64 {
	if path == usual {
		return 0
	}
	return 1
}
