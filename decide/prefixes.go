package decide

import (
	"math"
	"net/netip"

	"detour/decide/posterior"
	"detour/schemas/decision"
)

// listed is the prefixes that are off the default path, with where they are: what resolvers get that were never measured.
type listed map[netip.Prefix]*resolver

// propose appends the decision about the prefix of a block, and then those about its resolvers.
func (m *Machine) propose(rows []decision.Decision, number int) []decision.Decision {
	b := &m.neighbours.blocks[0][number]
	at := len(rows)
	rows = append(rows, decision.Decision{}) // the prefix's
	var members trouble
	place, _ := m.stayOf(b.prefix)
	for _, r := range b.resolvers {
		d, lost := m.judge.decide(r, m.through), m.judge.outages.lost(r.home)
		members.add(&d, lost)
		if lost != decision.None && !r.known && place.path != m.judge.usual { // heard of for the first time: the map has it where its prefix is
			d.Path, d.Reason, d.Level = place.path, decision.AllDown, lost
		}
		rows = append(rows, d)
	}
	rows[at] = m.proposePrefix(number, b.prefix, &members)
	return rows
}

// conclude makes the decisions about a block final: everything that depends on whether somebody was moved.
func (m *Machine) conclude(rows []decision.Decision, number int, totals *decision.Totals) {
	b, p := &m.neighbours.blocks[0][number], &rows[0]
	moved := p.Path != p.Previous
	m.concludePrefix(p)
	for i, r := range b.resolvers {
		d := &rows[1+i]
		if moved { // a map does not know its resolvers that went along with it
			d.Changed = 1
		}
		if p.Path != m.judge.usual && d.Path == m.judge.usual && d.Gone == 0 {
			d.Exception = 1
		}
		m.judge.conclude(r, d, m.through)
		m.settle(r, d, totals)
	}
}

// stayOf returns where what was not measured of a prefix is.
func (m *Machine) stayOf(prefix netip.Prefix) (at stay, known bool) {
	if r := m.listed[prefix]; r != nil {
		return r.stay(), true
	}
	return stay{path: m.judge.usual}, false
}

// trouble is what fails for the resolvers of a prefix.
type trouble struct {
	lost      decision.Level // the group whose last mile does
	all       bool           // every path of one of them
	candidate bool           // a candidate path of one of them
	usual     bool           // the default path of one of them
}

func (t *trouble) add(d *decision.Decision, lost decision.Level) {
	t.lost = max(t.lost, lost)
	switch d.Reason {
	case decision.AllDown, decision.RegionDown:
		t.all = true
	case decision.CandidateDown:
		t.candidate = true
	case decision.DefaultDown:
		t.usual = true
	}
}

// apply lets trouble change where a prefix goes, which was at path. Who has never been measured is never sent where
// something is amiss: while a candidate fails for one of the prefix's resolvers it is not listed, and while the default
// path does, or all paths, it stays what it is.
func (t *trouble) apply(d *decision.Decision, path, usual uint8) {
	switch {
	case t.lost != decision.None:
		d.Reason, d.Level = decision.AllDown, t.lost
	case t.candidate:
		d.Path, d.Reason = usual, decision.CandidateDown
		return
	case t.all:
		d.Reason = decision.AllDown
	case t.usual:
		d.Reason = decision.Held
	default:
		return
	}
	d.Path = path
}

// proposePrefix decides for what of a prefix was not measured.
func (m *Machine) proposePrefix(number int, prefix netip.Prefix, members *trouble) decision.Decision {
	j := &m.judge
	at, _ := m.stayOf(prefix)
	best := j.bestAnswer(m.neighbours, number, at.path)
	here := best
	if at.path != j.usual && at.path != best.Candidate {
		here = j.answer(m.neighbours, number, at.path)
	}
	d := j.stability.latency(&at, m.through, &best, &here)
	members.apply(&d, at.path, j.usual)
	d.Resolver, d.Bits, d.Previous = prefix.Addr(), uint8(prefix.Bits()), at.path
	return d
}

// concludePrefix makes the decision about a prefix final, and its state.
func (m *Machine) concludePrefix(d *decision.Decision) {
	prefix := d.Subject()
	at, known := m.stayOf(prefix)
	m.judge.stability.settle(&at, m.through, d)
	if d.Path == m.judge.usual {
		d.Gone = 1
		if known {
			d.Changed = 1
		}
	} else if !known || d.Path != at.path || d.Reason != at.reason {
		d.Changed = 1
	}
	m.settlePrefix(d)
	m.tally[d.Reason] += int64(d.Changed)
}

// bestAnswer weighs every candidate for a prefix, as judge.best does for a resolver.
func (j *judge) bestAnswer(n *neighbours, number int, current uint8) (best decision.Decision) {
	first := true
	j.candidates(func(path uint8) {
		d := j.answer(n, number, path)
		if first || better(&d, &best, current) {
			best, first = d, false
		}
	})
	return best
}

// answer weighs a candidate for the resolvers of a prefix that were not seen. Those that were have to be of one network,
// and what they say is worth as much as the chance that others of the prefix are of it, too.
func (j *judge) answer(n *neighbours, number int, path uint8) decision.Decision {
	candidate := j.candidate(path)
	b, l := &n.blocks[candidate][number], &j.learnt.paths[candidate]
	d := decision.Decision{
		Candidate: path, HarmLimit: uint32(j.policy.Harm.Limit), Level: decision.Prefix, Reason: decision.GroupUnsure,
		GroupRuns: uint32(b.runs),
	}
	if b.network == nil || b.mixed || j.policy.Latency.Alone {
		return d
	}
	away := j.learnt.strangers.elsewhere(b)
	harm := float64(b.next.harm*(1-away)) + float64(l.world.harm*away)
	saved := float64(b.next.saved*(1-away)) + float64(l.world.saved*away)
	d.Harm, d.Direct = uint32(math.Floor(float64(harm*1e6)+0.5)), uint32(b.micros)
	d.Gain = int32(math.Floor(float64(saved*b.micros) + 0.5))
	d.Ratio = fixed(posterior.Log2(1 - saved))
	d.RatioLower, d.RatioUpper, d.GroupRatio = fixed(b.next.low), fixed(b.next.high), d.Ratio
	switch {
	case d.Gain <= 0:
		d.Reason = decision.NotFaster
	case d.Harm < d.HarmLimit:
		d.Reason = decision.Faster
	}
	return d
}

// settlePrefix makes d the state of a prefix.
func (m *Machine) settlePrefix(d *decision.Decision) {
	prefix := d.Subject()
	if d.Gone == 1 {
		delete(m.listed, prefix)
		return
	}
	m.listed[prefix] = &resolver{address: d.Resolver, path: d.Path, reason: d.Reason, since: d.Since, penalty: d.Penalty, known: true}
}

// orphans returns decisions that end the listing of prefixes none of whose resolvers is known any more.
func (m *Machine) orphans() (rows []decision.Decision) {
	known := make(map[netip.Prefix]bool, len(m.listed))
	for i := range m.neighbours.blocks[0] {
		if prefix := m.neighbours.blocks[0][i].prefix; m.listed[prefix] != nil {
			known[prefix] = true
		}
	}
	if len(known) == len(m.listed) {
		return nil
	}
	for prefix := range m.listed {
		if !known[prefix] {
			rows = append(rows, decision.Decision{
				Resolver: prefix.Addr(), Bits: uint8(prefix.Bits()), Path: m.judge.usual, Candidate: m.judge.usual, Reason: decision.NoEvidence,
			})
		}
	}
	for i := range rows {
		m.concludePrefix(&rows[i])
	}
	return rows
}
