package decide

import (
	"maps"
	"math"
	"net/netip"
	"slices"

	"detour/decide/posterior"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// What the dumb machine learns, at every tick anew. Which evidence goes in is worked out here; package posterior learns.

// lesson is learnt, the dumb way.
type lesson struct {
	runs, neighbours      float64 // how often two are of different networks
	alikeRun, alikeEpoch  [mixed]float64
	paths                 []dumbPath
	grid                  *posterior.Grid
	experienced           []*dumbResolver
	requestSpread, counts [mixed]float64
}

type dumbPath struct {
	model     *posterior.Model
	kin       posterior.Kin
	bases     *posterior.Bases
	networks  map[window.Cell]*posterior.Network
	countries map[sample.Country]int
	coupled   bool
}

func (l *dumbPath) base(cell window.Cell) posterior.Belief {
	if n, ok := l.networks[cell]; ok {
		return l.bases.Of(n)
	}
	if i, ok := l.countries[cell.Country]; ok {
		return l.bases.Of(&posterior.Network{Country: i})
	}
	return l.bases.World
}

func classNumber(w *window.Window) int { return int(w.Class) - int(sample.New) }

// compared reports whether a window says what a path costs.
func compared(w *window.Window) bool {
	return w.Class != sample.Unknown && (w.Path == 0 && len(w.Latency.Bins) > 0 || w.Path != 0 && len(w.Ratio.Bins) > 0)
}

// batch is the windows of one cell, path, class and epoch together.
type batch struct {
	age    int64
	weight float64
	runs   float64
	counts map[int]float64 // by bin
}

func (b *batch) requests() float64 { return sum(slices.Collect(maps.Values(b.counts))) }

// batches returns those of some windows of a path and class, oldest first.
func batches(ws []aged, path, class int, least int64) (list []*batch) {
	for _, w := range ws {
		if !compared(&w.Window) || int(w.Path) != path || classNumber(&w.Window) != class || w.age < least {
			continue
		}
		if n := len(list); n == 0 || list[n-1].age != w.age {
			list = append(list, &batch{age: w.age, weight: w.weight, counts: make(map[int]float64)})
		}
		b, h := list[len(list)-1], w.Ratio
		if path == 0 {
			h = w.Latency
		}
		b.runs += float64(w.PairRuns)
		for i, bin := range h.Bins {
			b.counts[int(bin)] += float64(h.Counts[i])
		}
	}
	return list
}

// weighedRuns returns the runs of the class that has most of them, in 1/whole.
func weighedRuns(ws []aged, path int, least int64) (most float64) {
	for class := range mixed {
		n := 0.0
		for _, b := range batches(ws, path, class, least) {
			n += b.weight * b.runs
		}
		most = max(most, n)
	}
	return most
}

func (f *reference) learn() *lesson {
	l := &lesson{runs: 0.1, neighbours: 0.1, grid: posterior.NewGrid(f.policy.Harm.RatioPPM)}
	l.alikeRun = [mixed]float64{1, 1}
	for _, r := range f.resolvers {
		if slices.ContainsFunc(r.windows, func(w aged) bool { return w.Path != 0 && w.age > 0 && compared(&w.Window) }) {
			l.experienced = append(l.experienced, r)
		}
	}
	for range f.paths - 1 {
		l.paths = append(l.paths, dumbPath{model: posterior.UnknownModel(), kin: posterior.UnknownKin(), bases: posterior.UnknownBases()})
	}
	if len(l.experienced) == 0 {
		return l
	}
	l.meet()
	for i := range l.paths {
		cells := l.scatter(i + 1)
		l.paths[i].model, l.paths[i].coupled = posterior.Learn(cells), len(cells) >= coupledCells
	}
	l.luck(f.paths)
	for i := range l.paths {
		f.settle(l, i+1)
	}
	return l
}

// scatter returns the weighted histograms of each cell's whole epochs.
func (l *lesson) scatter(path int) (cells [][posterior.Classes]posterior.Counts) {
	for _, r := range l.experienced {
		for _, cell := range r.cells {
			var c [posterior.Classes]posterior.Counts
			found := false
			for class := range c {
				for _, b := range batches(r.of(cell), path, class, 1) {
					for bin, n := range b.counts {
						c[class][bin+posterior.MaxBin] += b.weight * n / whole
						found = true
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

// luck measures how alike requests of one run are, and those of one epoch.
func (l *lesson) luck(paths int) {
	for class := range mixed {
		variance := 0.0
		var between, within, freedomBetween, freedomWithin, size float64
		for path := 1; path < paths; path++ {
			variance += l.paths[path-1].model.Laws[class].Variance() / float64(paths-1)
			for _, r := range l.experienced {
				for _, cell := range r.cells {
					groups := deviations(batches(r.of(cell), path, class, 1))
					if len(groups) < 2 {
						continue
					}
					values := slices.Concat(groups...)
					grand := sum(values) / float64(len(values))
					squares := 0.0
					for _, g := range groups {
						mean := sum(g) / float64(len(g))
						between += float64(len(g)) * (mean - grand) * (mean - grand)
						for _, x := range g {
							within += (x - mean) * (x - mean)
						}
						freedomWithin += float64(len(g) - 1)
						squares += float64(len(g)) * float64(len(g))
					}
					freedomBetween += float64(len(groups) - 1)
					size += float64(len(values)) - squares/float64(len(values))
				}
			}
		}
		if freedomBetween > 0 && freedomWithin > 0 {
			b, w := between/freedomBetween, within/freedomWithin+1.0/12
			if b > w*(1+2*math.Sqrt(2/freedomBetween)) {
				excess := (b - w) / (size / freedomBetween)
				l.alikeEpoch[class] = excess / (excess + w)
			}
		}
		if l.counts[class] > 0 && variance > 0 {
			l.alikeRun[class] = min(max(1-l.requestSpread[class]/l.counts[class]/variance, 0), 1)
		}
	}
}

// deviations returns, for each epoch, how far each request is from the weighted median of all, an octave at most.
func deviations(list []*batch) (groups [][]float64) {
	weight := make(map[int]float64)
	for _, b := range list {
		for bin, n := range b.counts {
			weight[bin] += b.weight * n
		}
	}
	centre, _ := lowerMedian(weight)
	for _, b := range list {
		var g []float64
		for _, bin := range slices.Sorted(maps.Keys(b.counts)) {
			for range int(b.counts[bin]) {
				g = append(g, float64(min(max(bin-centre, -8), 8)))
			}
		}
		groups = append(groups, g)
	}
	return groups
}

// lowerMedian returns the least value that half of the weight is not above.
func lowerMedian(weight map[int]float64) (value int, ok bool) {
	total := sum(slices.Collect(maps.Values(weight)))
	for _, v := range slices.Sorted(maps.Keys(weight)) {
		var below float64
		for w := range weight {
			if w <= v {
				below += weight[w]
			}
		}
		if total > 0 && 2*below >= total {
			return v, true
		}
	}
	return 0, false
}

// within sums up how far requests of one run are apart, of windows of one run, in whole epochs.
func (l *lesson) within(windows []aged) {
	for _, w := range windows {
		if w.Class == sample.Unknown || w.Path == 0 || w.age == 0 || w.PairRuns != 1 || w.Pairs < 2 {
			continue
		}
		var values []float64
		for i, bin := range w.Ratio.Bins {
			for range w.Ratio.Counts[i] {
				values = append(values, float64(bin))
			}
		}
		mean, squares := sum(values)/float64(len(values)), 0.0
		for _, x := range values {
			squares += (x - mean) * (x - mean)
		}
		class := classNumber(&w.Window)
		l.requestSpread[class] += w.weight * math.Floor(squares*squareOne+1e-6) / squareOne // as it is kept
		l.counts[class] += w.weight * float64(len(values)-1)
	}
}

// meet counts how often two runs of a resolver, and two resolvers of a prefix, are of different networks.
func (l *lesson) meet() {
	var runs, neighbours [][]float64
	usual := make(map[netip.Prefix]map[window.Cell]float64) // resolvers of each prefix by the cell they use most
	for _, r := range l.experienced {
		l.within(r.windows)
		var list []float64
		var most window.Cell
		for _, cell := range r.cells {
			n := 0.0
			for path := range len(l.paths) + 1 {
				n = max(n, weighedRuns(r.of(cell), path, 1)/whole)
			}
			if n == 0 {
				continue
			}
			if len(list) == 0 || n > slices.Max(list) {
				most = cell
			}
			list = append(list, n)
		}
		runs = append(runs, list)
		p := netip.PrefixFrom(r.address, 24).Masked()
		if usual[p] == nil {
			usual[p] = make(map[window.Cell]float64)
		}
		usual[p][most]++
	}
	for _, cells := range usual {
		neighbours = append(neighbours, slices.Collect(maps.Values(cells)))
	}
	l.runs, l.neighbours = differ(runs), differ(neighbours)
}

// differ returns the mean share of pairs that are of two kinds, one in ten being expected.
func differ(groups [][]float64) float64 {
	total, n := 0.1, 1.0
	for _, kinds := range groups {
		all, same := sum(kinds), 0.0
		if all < 2 {
			continue
		}
		for _, k := range kinds {
			same += k * (k - 1)
		}
		total, n = total+1-max(0, same)/(all*(all-1)), n+1
	}
	return total / n
}

// settle learns what occurs where, and how alike neighbours are.
func (f *reference) settle(l *lesson, path int) {
	p := &l.paths[path-1]
	p.networks, p.countries = make(map[window.Cell]*posterior.Network), make(map[sample.Country]int)
	prefixes := make(map[window.Cell][]netip.Prefix)
	for _, r := range l.experienced {
		for _, cell := range r.cells {
			ws := r.of(cell)
			_, share := f.mixOf(ws, 1)
			even := posterior.Even()
			likelihood, seen := f.likelihood(l, ws, path, 1, &even, share)
			runs := weighedRuns(ws, path, 1) / whole
			if !seen || runs == 0 {
				continue
			}
			if _, ok := p.countries[cell.Country]; !ok {
				p.countries[cell.Country] = len(p.countries)
			}
			if p.networks[cell] == nil {
				p.networks[cell] = &posterior.Network{Country: p.countries[cell.Country]}
			}
			n, prefix := p.networks[cell], netip.PrefixFrom(r.address, 24).Masked()
			if !slices.Contains(prefixes[cell], prefix) {
				prefixes[cell] = append(prefixes[cell], prefix)
				n.Prefixes = append(n.Prefixes, posterior.Prefix{})
			}
			at := &n.Prefixes[slices.Index(prefixes[cell], prefix)]
			at.Cells, at.Runs = append(at.Cells, &likelihood), at.Runs+runs
		}
	}
	var list []*posterior.Network
	for _, cell := range slices.SortedFunc(maps.Keys(p.networks), window.CompareCells) {
		list = append(list, p.networks[cell])
	}
	p.bases = posterior.LearnBases(p.kin, len(p.countries), list)
	p.kin = posterior.LearnKin(p.bases, list)
	p.bases = posterior.LearnBases(p.kin, len(p.countries), list)
}
