// Package decide says which path each resolver's users are sent over. It is the pure core of the decide stage: a
// machine that reads every windows partition and the control topic, and after each pane, when all partitions have
// completed it or it is known to be missing, takes one step: a tick. It then waits to read the tick back.
//
// It promises: the decisions are a function of the windows, of the policy, and of where in between the policy was read;
// how partitions interleave and where reads end changes nothing. A machine that was resumed from its own output goes on
// byte for byte as one that never stopped. It may not use a clock, I/O, randomness, a logger or a transcendental
// function of package math, whose results differ between processors.
//
// A tick is told in Machine.tick. The rules, in their order, are in judge.go; evidence.go holds what they look at.
// What is believed of a path's latency comes from package posterior: reading.go and population.go turn evidence into
// likelihoods, neighbours.go pools them, learn.go learns what all of them teach, and latency.go weighs a candidate. What keeps
// users from being moved to and fro is in hold.go and damping.go, the limits over all of them in limit.go.
package decide

import (
	"net/netip"
	"slices"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// Machine implements schemas.Machine.
//
//  1. Of each partition at most one complete pane and one fetch is held, however far apart partitions are.
//  2. The policy changes only at ticks, after control was read to its end.
//  3. resolvers holds exactly those with evidence in the window, as the decisions written so far say.
//  4. Until rebuilt, panes become evidence and cause no output: they were decided before.
//  5. Nothing is applied behind a tick before that tick, or an equal one, was read in the decisions topic, and nothing
//     that follows it.
//  6. Ticks follow one another pane by pane. A pane that a partition does not have any more is empty there, and known to
//     be missing.
type Machine struct {
	genesis    string // hash
	length     int64  // of a pane, ms
	attempt    int64
	rows       int // of one record at most
	control    controlReader
	partitions []*partition
	back       back
	judge      judge
	evidence   evidence
	neighbours *neighbours
	listed     listed
	all        []decision.Decision // about everybody, in the last tick: kept for its room

	rebuilt  bool
	due      int64 // the pane to take next; window.NoPane before the first
	through  int64 // the last pane that was decided; window.NoPane before the first
	last     decision.Tick
	rerouted int64
	tally    Tally
}

// Tally counts, by reason, the resolvers and prefixes whose state the ticks of a machine changed since New.
type Tally [decision.Reasons]int64

// Tally returns what was counted so far: for who watches, no output depends on it.
func (m *Machine) Tally() Tally { return m.tally }

// Config is what has no part in what is decided. The zero value is valid.
type Config struct {
	ChunkRows int // decisions in one record at most; 0 = 4096
}

// New returns the machine at the very beginning of its inputs. attempt tells its chunks from those of another writer of
// the same tick, and is where it reads them back: the end of the decisions partition when this one took over.
func New(genesis control.Genesis, attempt int64) *Machine {
	m := &Machine{
		genesis: genesis.Hash(),
		length:  genesis.Pane,
		attempt: attempt,
		rows:    maxRows,
		control: controlReader{genesis: genesis},
		back:    back{genesis: genesis.Hash(), paths: len(genesis.Paths), offset: attempt},
		judge:   judge{usual: genesis.DefaultPath(), paths: uint8(len(genesis.Paths)), length: genesis.Pane, ids: genesis.PathIDs()},
		evidence: evidence{
			usual:     genesis.DefaultPath(),
			length:    genesis.Pane,
			width:     epochPanes,
			resolvers: make(map[netip.Addr]*resolver),
			missing:   window.NoPane,
		},
		neighbours: newNeighbours(len(genesis.Paths) - 1),
		listed:     make(listed),

		rebuilt: true,
		due:     window.NoPane,
		through: window.NoPane,
	}
	for i := range genesis.Samples {
		m.partitions = append(m.partitions, &partition{
			number: int32(i), genesis: m.genesis, paths: m.judge.paths, length: m.length, fresh: true,
		})
	}
	m.evidence.outages = newOutages(genesis.Pane, len(genesis.Paths))
	m.judge.ageing, m.judge.outages = &m.evidence.ageing, m.evidence.outages
	return m
}

// Configure is called before the first Next, if at all.
func (m *Machine) Configure(cfg Config) {
	if cfg.ChunkRows > 0 {
		m.rows = cfg.ChunkRows
	}
}

// Overrun tells a machine, before its first Next, that retention took the records of a windows partition before offset:
// it begins there, and what those panes would have said is known to be missing.
func (m *Machine) Overrun(partition int, offset int64) { m.partitions[partition].overrun(offset) }

// Next names what to read: control until there is a policy; the decisions topic until the last tick was read there, to its end; then
// the lowest windows partition that holds no complete pane; and when all do, whatever control holds by now.
func (m *Machine) Next() schemas.Input {
	if !m.control.ready() {
		return m.control.input(true)
	}
	if m.back.state != settled {
		return m.back.input()
	}
	for _, p := range m.partitions {
		if p.pane == nil {
			return p.input()
		}
	}
	return m.control.input(false)
}

// Apply takes what was read at Next. Records of windows and control that are of no use become rejects. An error means
// that the log was begun with another genesis, or schemas.ErrSuperseded.
func (m *Machine) Apply(records []schemas.Record, next int64) ([]schemas.Record, error) {
	in := m.Next()
	switch in.Partition.Topic {
	case schemas.Control:
		out, err := m.control.read(records, next)
		if err != nil || in.Wait || next > in.Offset {
			return out, err
		}
		return m.tick()
	case schemas.Decisions:
		return m.readBack(records, next)
	}
	m.partitions[in.Partition.Number].fetched(records, next)
	return m.collect(), nil
}

// collect lets partitions complete a pane from what was fetched, in their order so that rejects keep one. Panes that were
// decided before become evidence at once.
func (m *Machine) collect() (out []schemas.Record) {
	for {
		for _, p := range m.partitions {
			out = append(out, p.complete()...)
			if p.pane == nil {
				return out
			}
		}
		if m.rebuilt {
			return out
		}
		m.rebuilt = m.take().start == m.through
	}
}

// take turns the pane that is due into evidence.
func (m *Machine) take() *pane {
	begins := m.due == window.NoPane
	if begins {
		m.due = m.first()
	}
	resume := make([]int64, len(m.partitions))
	for i, p := range m.partitions {
		resume[i] = p.began
	}
	taken := m.evidence.begin(m.due, resume)
	for _, p := range m.partitions {
		pane, missing := p.take(m.due, begins)
		if missing {
			m.evidence.missing = max(m.evidence.missing, m.due)
		}
		if pane != nil {
			m.evidence.add(taken, pane)
		}
	}
	m.evidence.outages.finish()
	m.due += m.length
	return taken
}

// first returns the least pane that a partition begins with.
func (m *Machine) first() int64 {
	start := m.partitions[0].pane.Start
	for _, p := range m.partitions {
		start = min(start, p.pane.Start)
	}
	return start
}

// tick takes one pane of every partition into the evidence, lets what is there age, decides for every resolver and prefix,
// and writes what changed.
func (m *Machine) tick() ([]schemas.Record, error) {
	policy := m.control.policy
	m.judge.use(policy)
	taken := m.take()
	m.evidence.age(policy)
	m.evidence.leave(policy)
	m.through = taken.start

	t := decision.Tick{
		Number:   m.last.Number + 1,
		Snapshot: m.last.Number%int64(policy.Publish.Snapshot) == 0,
		Policy:   m.judge.hash,
		Previous: m.last.Digest,
	}
	rows := m.decide(t.Snapshot, &t.Totals)
	t.Totals.Windows, t.Totals.Samples = taken.windows, taken.samples
	t.Totals.Incomplete = m.evidence.incomplete()
	t.Positions = m.positions()
	t.Digest = decision.Digest(t.Previous, m.through, t.Policy, rows)
	m.last = t
	m.back.expect()
	return m.write(rows)
}

// decide applies the rules to everybody, since what one measures is evidence for others, and returns the rows to write.
func (m *Machine) decide(snapshot bool, totals *decision.Totals) (rows []decision.Decision) {
	resolvers := m.evidence.inOrder()
	m.read(resolvers)
	m.neighbours.consult(m.judge.learnt, &m.judge.harmful, resolvers)
	all, blocks := m.all[:0], m.neighbours.blocks[0]
	for number := range blocks {
		all = m.propose(all, number)
	}
	m.judge.allocation.limit(all)
	rest := all
	for number := range blocks {
		n := 1 + len(blocks[number].resolvers)
		m.conclude(rest[:n], number, totals)
		rest = rest[n:]
	}
	for i := range all {
		if d := &all[i]; d.Changed == 1 || snapshot && d.Gone == 0 {
			rows = append(rows, *d)
		}
	}
	if gone := m.orphans(); len(gone) > 0 {
		rows = append(rows, gone...)
		slices.SortFunc(rows, func(a, b decision.Decision) int { return decision.Compare(&a, &b) })
	}
	m.all = all
	totals.Resolvers, totals.Rerouted = int64(len(m.evidence.resolvers)), m.rerouted
	return rows
}

// settle makes d the state of r.
func (m *Machine) settle(r *resolver, d *decision.Decision, totals *decision.Totals) {
	if d.Path != d.Previous {
		totals.Moved++
	}
	m.rerouted += off(d.Path, m.judge.usual) - off(r.path, m.judge.usual)
	m.evidence.settle(r, d)
	m.tally[d.Reason] += int64(d.Changed)
}

// read takes in what resolvers say: those that something new was measured of, or all of them in the first tick of an epoch,
// when all evidence has aged and what it teaches is learnt anew.
func (m *Machine) read(resolvers []*resolver) {
	j := &m.judge
	everybody := j.learnt == nil || j.epoch != m.evidence.ageing.now
	if everybody {
		j.learn(&m.evidence)
		m.neighbours.forget()
	}
	for _, r := range resolvers {
		if everybody || r.heard == m.through {
			j.read(r, m.neighbours)
		}
	}
}

// off is 1 for a path that is not the usual one.
func off(path, usual uint8) int64 {
	if path == usual {
		return 0
	}
	return 1
}
