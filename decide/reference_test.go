package decide

import (
	"math"
	"net/netip"
	"slices"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// reference decides the dumb way: it keeps every window for ever, weighs and sums them anew for every tick, learns anew
// at every tick, and calculates with package math. What it takes from the machine is what has slow tests of its own: how
// package posterior learns and reads evidence, stability, and the limits.
type reference struct {
	paths int
	ids   []string
	width int // panes in an epoch
	panes []seenPane
	from  int64 // epochs before it are forgotten: a longer horizon grows into what is still there
	held  int   // panes that are not
	near  int   // panes that count for reachability: likewise
	state map[subject]decision.Decision

	policy    control.Policy
	pane      int64
	resolvers []*dumbResolver // in order of address
	lesson    *lesson
	options   map[netip.Addr][]option
	groups    []*survey // by candidate
	close     bool      // a figure is so near to a threshold that rounding may decide
	dumbOutages
}

// subject is what a decision is about: a resolver, or a prefix if it has bits.
type subject struct {
	address netip.Addr
	bits    uint8
}

type seenPane struct {
	start, epoch int64
	windows      []window.Window
}

// aged is a window, what it weighs, and its age in epochs.
type aged struct {
	window.Window
	weight float64
	age    int64
}

// dumbResolver is all that was seen of a resolver.
type dumbResolver struct {
	address netip.Addr
	windows []aged
	cells   []window.Cell
	heard   int64
}

func (r *dumbResolver) of(cell window.Cell) (ws []aged) {
	for _, w := range r.windows {
		if w.Cell() == cell {
			ws = append(ws, w)
		}
	}
	return ws
}

// tick returns the rows that changed.
func (f *reference) tick(pane int64, windows []window.Window, p control.Policy) map[subject]decision.Decision {
	width := int64(f.width)
	now := pane / minute / width
	if f.panes == nil {
		f.from = now
	}
	f.policy, f.pane = p, pane
	f.panes = append(f.panes, seenPane{pane, now, windows})
	for last := f.from*width + width - 1; now*width-last >= int64(p.Window); last += width { // its newest pane is too old
		f.from++
	}
	f.near = min(f.near+1, p.Reachability.Window)
	f.meetAll(windows)
	f.remember(now)
	f.lesson = f.learn()
	f.believe()
	rows := f.propose()
	f.limit(rows)
	return f.conclude(rows)
}

// remember lists the resolvers that are known, with what is not forgotten of them.
func (f *reference) remember(now int64) {
	half := math.Ceil(float64(f.policy.HalfLife) / float64(f.width))
	byAddress := make(map[netip.Addr]*dumbResolver)
	at := func(a netip.Addr) *dumbResolver {
		if byAddress[a] == nil {
			byAddress[a] = &dumbResolver{address: a}
		}
		return byAddress[a]
	}
	for s := range f.state {
		if s.bits == 0 {
			at(s.address)
		}
	}
	f.held = 0
	for _, held := range f.panes {
		if held.epoch < f.from {
			continue
		}
		f.held++
		for _, w := range held.windows {
			r, age := at(w.Resolver), now-held.epoch
			r.windows = append(r.windows, aged{w, math.Round(whole * math.Exp2(-float64(age)/half)), age})
			r.heard = held.start
			if !slices.Contains(r.cells, w.Cell()) {
				r.cells = append(r.cells, w.Cell())
			}
		}
	}
	f.resolvers = nil
	for _, r := range byAddress {
		slices.SortFunc(r.cells, window.CompareCells)
		f.resolvers = append(f.resolvers, r)
	}
	slices.SortFunc(f.resolvers, func(a, b *dumbResolver) int { return a.address.Compare(b.address) })
}

// propose returns a row for each resolver and prefix.
func (f *reference) propose() (rows []decision.Decision) {
	for _, prefix := range f.prefixes() {
		var members []decision.Decision
		var in trouble
		place := f.state[subject{prefix.Addr(), 24}].Path
		for _, r := range f.members(prefix) {
			d := f.about(r)
			lost := f.lostHome(r.address)
			in.add(&d, lost)
			if _, known := f.state[subject{r.address, 0}]; !known && lost != decision.None && place != 0 {
				d.Path, d.Reason, d.Level = place, decision.AllDown, lost
			}
			members = append(members, d)
		}
		rows = append(rows, f.aboutPrefix(prefix, &in))
		rows = append(rows, members...)
	}
	return rows
}

func (f *reference) prefixes() (list []netip.Prefix) {
	for _, r := range f.resolvers {
		if p := netip.PrefixFrom(r.address, 24).Masked(); !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

func (f *reference) members(prefix netip.Prefix) (list []*dumbResolver) {
	for _, r := range f.resolvers {
		if prefix.Contains(r.address) {
			list = append(list, r)
		}
	}
	return list
}

// nudges are what rounding may do to harm and to the gains of even and odd candidates.
var nudges = [][3]int{{}, {3, 3, 3}, {-3, 3, 3}, {3, -3, -3}, {-3, -3, -3}, {3, 3, -3}, {-3, 3, -3}, {3, -3, 3}, {-3, -3, 3}}

// surely returns what rule decides, and notes whether rounding may have.
func (f *reference) surely(rule func(nudge [3]int) decision.Decision) decision.Decision {
	d := rule(nudges[0])
	for _, n := range nudges[1:] {
		other := rule(n)
		f.close = f.close || other.Path != d.Path || other.Reason != d.Reason || other.Candidate != d.Candidate
	}
	return d
}

func (f *reference) about(r *dumbResolver) decision.Decision {
	before := f.state[subject{r.address, 0}]
	d := decision.Decision{Reason: decision.NoEvidence, Gone: 1}
	if len(r.windows) > 0 {
		paths := f.look(r.address, f.policy)
		d = f.surely(func(nudge [3]int) decision.Decision { return f.decide(r, before, paths, nudge) })
	}
	d.Resolver, d.Previous = r.address, before.Path
	return d
}

func stayAt(d decision.Decision) stay {
	return stay{path: d.Path, reason: d.Reason, since: d.Since, penalty: d.Penalty}
}

func (f *reference) decide(r *dumbResolver, before decision.Decision, paths []pathLook, nudge [3]int) decision.Decision {
	var options []decision.Decision
	for i := range f.options[r.address] {
		path := i + 1
		d := f.options[r.address][i].row(f, paths[path].down, nudge)
		d.Candidate = uint8(path)
		d.DefaultTries, d.DefaultFailures = uint32(paths[0].met.tries), uint32(paths[0].met.failures)
		d.CandidateTries, d.CandidateFailures = uint32(paths[path].met.tries), uint32(paths[path].met.failures)
		options = append(options, d)
	}
	best := bestOf(options, before.Path)
	cur := before.Path
	if path, about, reason, applies := f.reachable(f.pane, r.address, before, paths, f.policy); applies {
		d := best
		if about != 0 {
			d = options[about-1]
		}
		d.Path, d.Reason, d.Failovers = path, reason, before.Failovers
		if path != cur {
			d.Failovers = 1
			if n := before.Failovers; n > 0 && before.Since != 0 && (f.pane-before.Since)/minute < 4*f.wait(n, f.policy) {
				d.Failovers = n + 1
			}
		}
		d.Level = decision.None
		return d
	}
	here := best
	if cur != 0 {
		here = options[cur-1]
	}
	s, at := newStability(&f.policy, 0, minute), stayAt(before)
	d := s.latency(&at, f.pane, &best, &here)
	if d.Path != 0 && cur == 0 && !f.news(r) {
		d.Path, d.Reason = 0, decision.Held
	}
	d.Failovers = before.Failovers
	if lost := f.cutOff(r); d.Path != cur && lost != decision.None {
		d.Path, d.Reason, d.Level = cur, decision.AllDown, lost
	}
	if d.Path != cur && paths[d.Path].risk > 1-float64(f.policy.Reachability.ConfidencePPM)/1e6 {
		switch {
		case d.Path == 0:
			d.Reason = decision.DefaultDown
		case cur == 0:
			d.Reason = decision.CandidateDown
		default:
			d.Reason = decision.Held
		}
		d.Path = cur
	}
	return d
}

// news reports whether one of the resolver's networks was heard of in as many panes as an epoch usually has.
func (f *reference) news(r *dumbResolver) bool {
	for _, other := range f.resolvers {
		for _, cell := range other.cells {
			if slices.Contains(r.cells, cell) && f.pane-other.heard < 15*minute {
				return true
			}
		}
	}
	return false
}

func bestOf(options []decision.Decision, current uint8) decision.Decision {
	score := func(d decision.Decision) int {
		switch d.Reason {
		case decision.Faster:
			return 2
		case decision.TooFew:
			return 0
		}
		return 1
	}
	best := options[0]
	for _, d := range options[1:] {
		if score(d) > score(best) || score(d) == score(best) &&
			(d.Gain > best.Gain || d.Gain == best.Gain && d.Candidate == current) {
			best = d
		}
	}
	return best
}

func (f *reference) aboutPrefix(prefix netip.Prefix, in *trouble) decision.Decision {
	before := f.state[subject{prefix.Addr(), 24}]
	d := f.surely(func(nudge [3]int) decision.Decision {
		var options []decision.Decision
		for path := 1; path < f.paths; path++ {
			d := f.answer(prefix, path, nudge)
			d.Candidate = uint8(path)
			options = append(options, d)
		}
		best := bestOf(options, before.Path)
		here := best
		if before.Path != 0 {
			here = options[before.Path-1]
		}
		s, at := newStability(&f.policy, 0, minute), stayAt(before)
		return s.latency(&at, f.pane, &best, &here)
	})
	in.apply(&d, before.Path, 0)
	d.Resolver, d.Bits, d.Previous = prefix.Addr(), 24, before.Path
	return d
}

// limit applies the limits, and notes whether rounding may decide them.
func (f *reference) limit(rows []decision.Decision) {
	given := slices.Clone(rows)
	newAllocation(&f.policy, f.ids, 0).limit(rows)
	for _, n := range nudges[1:] {
		other := slices.Clone(given)
		for i := range other {
			d := &other[i]
			d.Harm = uint32(max(0, int(d.Harm)+n[0]))
			d.Gain += int32(n[1+i%2])
		}
		newAllocation(&f.policy, f.ids, 0).limit(other)
		for i := range rows {
			f.close = f.close || other[i].Path != rows[i].Path || other[i].Reason != rows[i].Reason
		}
	}
}

// conclude makes the rows the state, and returns those that changed.
func (f *reference) conclude(rows []decision.Decision) map[subject]decision.Decision {
	changed := make(map[subject]decision.Decision)
	s := newStability(&f.policy, 0, minute)
	var prefix decision.Decision
	for _, d := range rows {
		key := subject{d.Resolver, d.Bits}
		before, known := f.state[key]
		at := stayAt(before)
		s.settle(&at, f.pane, &d)
		moved := d.Path != before.Path || d.Reason != before.Reason
		if d.Bits > 0 {
			prefix = d
			d.Gone = 0
			if d.Path == 0 {
				d.Gone = 1
				moved = false
			}
		} else {
			if prefix.Path != 0 && d.Path == 0 && d.Gone == 0 {
				d.Exception = 1
			}
			moved = moved || !known || d.Exception != before.Exception || prefix.Path != prefix.Previous ||
				awaits(d.Reason) && d.Candidate != before.Candidate
		}
		if moved || known && d.Gone == 1 || !known && d.Bits > 0 && d.Gone == 0 {
			changed[key] = d
		}
		f.state[key] = d
		if d.Gone == 1 {
			delete(f.state, key)
		}
	}
	f.orphans(changed)
	return changed
}

// orphans ends the listing of prefixes that nobody is known in.
func (f *reference) orphans(changed map[subject]decision.Decision) {
	for key, d := range f.state {
		if key.bits > 0 && len(f.members(netip.PrefixFrom(key.address, 24))) == 0 {
			changed[key] = decision.Decision{Resolver: key.address, Bits: key.bits, Previous: d.Path, Gone: 1, Reason: decision.NoEvidence}
			delete(f.state, key)
		}
	}
}

func sum(list []float64) (total float64) {
	for _, x := range list {
		total += x
	}
	return total
}
