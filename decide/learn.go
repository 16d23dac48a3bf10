package decide

import (
	"slices"

	"detour/decide/posterior"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// learnt is what the evidence of all resolvers teaches about reading that of one. It is learnt from whole epochs alone, so
// that it stays the same until the next one: any tick of an epoch learns the same from the same log.
type learnt struct {
	paths     []learntPath // by candidate
	luck      together
	strangers strangers
}

// learntPath is what is learnt about a candidate path.
type learntPath struct {
	model     *posterior.Model
	kin       posterior.Kin
	bases     *posterior.Bases
	networks  map[window.Cell]*posterior.Network
	countries map[sample.Country]int
	world     outlook // of anybody
	coupled   bool    // cells with both classes taught how these go together
}

// isolate makes every resolver speak for itself: neighbours have nothing to do with one another, and all that is known of
// anybody is what occurs in the world.
func (l *learntPath) isolate() {
	strangers := posterior.Kinship{Apart: 1}
	l.kin = posterior.Kin{Prefix: strangers, Network: strangers}
	l.networks, l.countries = nil, nil
}

// base returns what ratios are likely for a network before it has shown anything.
func (l *learntPath) base(cell window.Cell) posterior.Belief {
	if n := l.networks[cell]; n != nil {
		return l.bases.Of(n)
	}
	country, known := l.countries[cell.Country]
	if !known {
		return l.bases.World
	}
	return l.bases.Of(&posterior.Network{Country: country})
}

// unlearnt is before anything was: nothing is taken for independent, and a tenth of everything for elsewhere.
func unlearnt(candidates int, l *harmful) *learnt {
	out := &learnt{strangers: strangers{0.1, 0.1}, luck: together{run: byClass[float64]{1, 1}}}
	for range candidates {
		p := learntPath{model: posterior.UnknownModel(), kin: posterior.UnknownKin(), bases: posterior.UnknownBases()}
		p.world = l.outlook(&p.bases.World, 0)
		out.paths = append(out.paths, p)
	}
	return out
}

// Learning looks at a part of the evidence where there is much: about so many resolvers for how requests scatter, and for
// what occurs where.
const (
	scatterResolvers = 2048
	baseResolvers    = 8192
	coupledCells     = 20 // that teach how classes go together
)

// learn learns from the whole epochs of the evidence.
func (j *judge) learn(e *evidence) {
	j.learnAll(e)
	if j.policy.Latency.Alone {
		for i := range j.learnt.paths {
			j.learnt.paths[i].isolate()
		}
	}
}

func (j *judge) learnAll(e *evidence) {
	j.learnt, j.epoch = unlearnt(int(j.paths)-1, &j.harmful), e.ageing.now
	j.reader = reader{grid: j.harmful.grid, luck: &j.learnt.luck, ageing: j.ageing}
	resolvers := e.experienced()
	if len(resolvers) == 0 {
		return
	}
	l := j.learnt
	l.strangers = meet(j.ageing, resolvers)
	var luck lucks
	i := 0
	j.candidates(func(path uint8) {
		cells := j.scatter(some(resolvers, scatterResolvers), path)
		l.paths[i].model, l.paths[i].coupled = posterior.Learn(cells), len(cells) >= coupledCells
		luck.add(j, some(resolvers, scatterResolvers), path, l.paths[i].model)
		i++
	})
	l.luck = luck.together(e.within())
	i = 0
	j.candidates(func(path uint8) {
		j.learnBases(&l.paths[i], some(resolvers, baseResolvers), path)
		i++
	})
}

// some returns about n of the resolvers, at even distances.
func some(all []*resolver, n int) (part []*resolver) {
	step := max(1, len(all)/n)
	for i := 0; i < len(all); i += step {
		part = append(part, all[i])
	}
	return part
}

// scatter returns the paired ratios of each cell, weighted by age.
func (j *judge) scatter(resolvers []*resolver, path uint8) (cells [][posterior.Classes]posterior.Counts) {
	for _, r := range resolvers {
		for cell := range r.cells {
			var c [posterior.Classes]posterior.Counts
			found := false
			for k := range cell {
				s := &cell[k]
				class, ok := classOf(s.key.class())
				if !ok || s.key.path() != path {
					continue
				}
				for epoch, words := range s.each {
					age := j.ageing.age(epoch)
					if age == 0 {
						continue
					}
					for bin, n := range tally(words) {
						if bin != runsBin {
							found = true
							c[class][bin-firstBin] += float64(j.ageing.weight[age]*n) / whole
						}
					}
				}
			}
			if found {
				cells = append(cells, c)
			}
		}
	}
	return cells
}

// learnBases learns what ratios occur where, and how alike neighbours are: each after the other, twice.
func (j *judge) learnBases(l *learntPath, resolvers []*resolver, path uint8) {
	networks, countries := j.settlements(l, resolvers, path)
	l.networks, l.countries = make(map[window.Cell]*posterior.Network), make(map[sample.Country]int)
	var list []*posterior.Network
	for _, s := range networks {
		l.networks[s.cell] = &s.Network
		list = append(list, &s.Network)
	}
	for i, c := range countries {
		l.countries[c] = i
	}
	l.bases = posterior.LearnBases(l.kin, len(countries), list)
	l.kin = posterior.LearnKin(l.bases, list)
	l.bases = posterior.LearnBases(l.kin, len(countries), list)
	l.world = j.harmful.outlook(&l.bases.World, 0)
}

// settlement is a network as bases are learnt from it.
type settlement struct {
	posterior.Network
	cell   window.Cell
	prefix []int // by posterior prefix: which one
}

// settlements returns the networks of some resolvers, in order of their cells, and their countries.
func (j *judge) settlements(l *learntPath, resolvers []*resolver, path uint8) (list []*settlement, countries []sample.Country) {
	byCell := make(map[window.Cell]*settlement)
	known := make(map[sample.Country]int)
	block, last := 0, resolvers[0]
	experience := reader{grid: j.harmful.grid, model: l.model, luck: &j.learnt.luck, ageing: j.ageing, least: 1}
	for _, r := range resolvers {
		if prefixOf(r.address) != prefixOf(last.address) {
			block++
		}
		last = r
		for cell := range r.cells {
			likelihood, runs := j.experience(&experience, cell, path)
			if runs == 0 {
				continue
			}
			key := cell[0].key.cell()
			s := byCell[key]
			if s == nil {
				if _, ok := known[key.Country]; !ok {
					known[key.Country] = len(countries)
					countries = append(countries, key.Country)
				}
				s = &settlement{cell: key}
				s.Country = known[key.Country]
				byCell[key] = s
				list = append(list, s)
			}
			if n := len(s.prefix); n == 0 || s.prefix[n-1] != block {
				s.prefix = append(s.prefix, block)
				s.Prefixes = append(s.Prefixes, posterior.Prefix{})
			}
			p := &s.Prefixes[len(s.Prefixes)-1]
			p.Cells = append(p.Cells, likelihood)
			p.Runs += float64(runs) / whole
		}
	}
	slices.SortFunc(list, func(a, b *settlement) int { return window.CompareCells(a.cell, b.cell) })
	return list, countries
}

// experience returns the likelihood of a cell's whole epochs, and the weighted runs in them.
func (j *judge) experience(past *reader, cell []series, path uint8) (*posterior.Likelihood, uint64) {
	var runs uint64
	for k := range cell {
		s := &cell[k]
		class, ok := classOf(s.key.class())
		if !ok || s.key.path() != path {
			continue
		}
		past.add(s, class)
		j.scratch.reset()
		s.since(j.ageing, 1, &j.scratch)
		runs = max(runs, j.scratch.runs)
	}
	if past.empty() {
		return nil, 0
	}
	_, share := j.mix(j.direct(cell, 1))
	even := posterior.Even()
	l := past.likelihood(&even, share)
	return &l, runs
}
