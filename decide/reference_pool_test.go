package decide

import (
	"math"
	"net/netip"
	"slices"

	"detour/decide/posterior"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// How neighbours speak for one another, the dumb way: every message is a product with a matrix of all transitions, and what
// a member hears is multiplied up from what all others say.

// transition holds how likely a member has a ratio (column) if its group has another (row).
type transition [posterior.Size][posterior.Size]float64

func related(k posterior.Kinship, base *posterior.Belief) *transition {
	t := new(transition)
	for i := range t {
		for j := range t[i] {
			near := (1 - k.Spread) / (1 + k.Spread) * math.Pow(k.Spread, math.Abs(float64(i-j)))
			t[i][j] = (1-k.Apart)*near + k.Apart*base[j]
		}
	}
	return t
}

// above is what a member's likelihood says of its group.
func (t *transition) above(member posterior.Belief) (group posterior.Belief) {
	for i := range t {
		for j := range member {
			group[i] += t[i][j] * member[j]
		}
	}
	return group
}

// below is what is likely for a member of a group.
func (t *transition) below(group posterior.Belief) (member posterior.Belief) {
	for i := range t {
		for j := range member {
			member[j] += group[i] * t[i][j]
		}
	}
	return member
}

func product2(a, b posterior.Belief) posterior.Belief {
	for k := range a {
		a[k] *= b[k]
	}
	return a
}

// scaledTo1 makes the sum 1.
func scaledTo1(b posterior.Belief) posterior.Belief {
	total := sum(b[:])
	for k := range b {
		b[k] /= total
	}
	return b
}

// survey is who has evidence on a candidate path.
type survey struct {
	members   []*member
	relations map[window.Cell]*relation
}

// relation is how a network's members go together.
type relation struct {
	base            posterior.Belief
	prefix, network *transition
}

// member is a cell of a resolver.
type member struct {
	resolver   *dumbResolver
	cell       window.Cell
	prefix     netip.Prefix
	likelihood posterior.Belief
	says       posterior.Belief // of its prefix
	runs       float64          // 1/whole
	micros     float64
}

func (f *reference) survey(path int) *survey {
	w := &survey{relations: make(map[window.Cell]*relation)}
	l := &f.lesson.paths[path-1]
	for _, r := range f.resolvers {
		for _, cell := range r.cells {
			ws := r.of(cell)
			base := l.base(cell)
			micros, share := f.mixOf(ws, 0)
			kept, seen := f.likelihood(f.lesson, ws, path, 0, &base, share)
			runs := weighedRuns(ws, path, 0)
			if !seen || runs == 0 {
				continue
			}
			if w.relations[cell] == nil {
				w.relations[cell] = &relation{base, related(l.kin.Prefix, &base), related(l.kin.Network, &base)}
			}
			m := &member{resolver: r, cell: cell, prefix: netip.PrefixFrom(r.address, 24).Masked(), runs: runs, micros: micros}
			for k, x := range kept {
				m.likelihood[k] = float64(x)
			}
			m.says = scaledTo1(w.relations[cell].prefix.above(m.likelihood))
			w.members = append(w.members, m)
		}
	}
	return w
}

// of is what the members of a network in a prefix say together of the prefix, one of them excepted.
func (w *survey) of(cell window.Cell, prefix netip.Prefix, but *member) posterior.Belief {
	all := posterior.Even()
	for _, m := range w.members {
		if m.cell == cell && m.prefix == prefix && m != but {
			all = scaledTo1(product2(all, m.says))
		}
	}
	return all
}

// around is what is likely for a prefix of a network by what all its other prefixes say.
func (w *survey) around(cell window.Cell, prefix netip.Prefix) posterior.Belief {
	r := w.relations[cell]
	network := r.base
	var done []netip.Prefix
	for _, m := range w.members {
		if m.cell == cell && m.prefix != prefix && !slices.Contains(done, m.prefix) {
			done = append(done, m.prefix)
			network = scaledTo1(product2(network, r.network.above(w.of(cell, m.prefix, nil))))
		}
	}
	return r.network.below(network)
}

// believed returns what others make likely for a member, and that with its own evidence.
func (w *survey) believed(m *member) (prior, believed posterior.Belief) {
	mean := product2(w.around(m.cell, m.prefix), w.of(m.cell, m.prefix, m))
	prior = scaledTo1(w.relations[m.cell].prefix.below(mean))
	return prior, scaledTo1(product2(prior, m.likelihood))
}

// next returns what is likely for one more member.
func (w *survey) next(prefix netip.Prefix, cell window.Cell) posterior.Belief {
	mean := product2(w.around(cell, prefix), w.of(cell, prefix, nil))
	return scaledTo1(w.relations[cell].prefix.below(mean))
}

// others returns the runs of the smallest group that has some besides m's.
func (w *survey) others(m *member) (runs float64, level decision.Level) {
	for i, same := range []func(*member) bool{
		func(o *member) bool { return o.cell == m.cell && o.prefix == m.prefix },
		func(o *member) bool { return o.cell == m.cell },
		func(o *member) bool { return o.cell.Country == m.cell.Country },
		func(*member) bool { return true },
	} {
		for _, o := range w.members {
			if o != m && same(o) {
				runs += o.runs
			}
		}
		level = decision.Prefix + decision.Level(i)
		if runs > 0 {
			break
		}
	}
	return runs, level
}

// prefix returns the networks seen in a prefix, how many resolvers and runs (1/whole), and their mean time.
func (w *survey) prefix(prefix netip.Prefix) (cells []window.Cell, seen int, runs, micros float64) {
	var resolvers []*dumbResolver
	for _, m := range w.members {
		if m.prefix != prefix {
			continue
		}
		if !slices.Contains(cells, m.cell) {
			cells = append(cells, m.cell)
		}
		if !slices.Contains(resolvers, m.resolver) {
			resolvers = append(resolvers, m.resolver)
		}
		runs += m.runs
		micros += m.runs * m.micros
	}
	if runs > 0 {
		micros /= runs
	}
	return cells, len(resolvers), runs, micros
}

// edges returns where the grid's cell begins and ends, in octaves: the upper edge of the middle one is where harm begins.
func (f *reference) edges(k int) (low, high float64) {
	high = math.Log2(1+float64(f.policy.Harm.RatioPPM)/1e6) + float64(k-posterior.Size/2)/posterior.PerOctave
	return high - 1.0/posterior.PerOctave, high
}

func (f *reference) saves(b *posterior.Belief) (saved float64) {
	for k, p := range b {
		low, high := f.edges(k)
		saved += p * (1 - math.Exp2((low+high)/2))
	}
	return saved
}

// outlook is what is likely for somebody who waits micros on the default path.
func (f *reference) outlook(b *posterior.Belief, micros float64) (o outlook) {
	limit := math.Log2(1 + float64(f.policy.Harm.RatioPPM)/1e6)
	if micros > 0 {
		limit = max(limit, math.Log2(1+float64(f.policy.Harm.Micros)/micros))
	}
	for k, p := range b {
		low, high := f.edges(k)
		o.harm += p * min(max((high-limit)/(high-low), 0), 1)
	}
	o.saved = f.saves(b)
	sure := float64(f.policy.Latency.ConfidencePPM) / 1e6
	o.low, o.high = f.quantile(b, 1-sure), f.quantile(b, sure)
	return o
}

func (f *reference) quantile(b *posterior.Belief, p float64) float64 {
	below, end := 0.0, 0.0
	for k, mass := range b {
		var low float64
		if low, end = f.edges(k); below+mass >= p && mass > 0 {
			return low + (p-below)/mass*(end-low)
		}
		below += mass
	}
	return end
}
