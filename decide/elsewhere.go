package decide

import (
	"slices"

	"detour/decide/posterior"
	"detour/schemas/window"
)

// A resolver may serve populations that no run has shown yet, and a path that is right for those who were seen may be
// wrong for them. How many users that are is estimated from how often runs of one resolver come from different cells, in
// all the world, and from what this one's neighbours show: most resolvers serve one network, a few serve many.

// strangers says how often two draws are not of the same cell.
type strangers struct {
	runs      float64 // of two runs of a resolver
	resolvers float64 // of two resolvers of a prefix
}

const (
	// agreeing is how much likelier one more run of the same cell is if the resolver serves that one alone: one that serves
	// many still sends about every third run from the most used one.
	agreeing = 3
	// rest is the share of a many-celled resolver's users in cells that its runs have not shown.
	rest = 0.7
	// leastStrange keeps a world in which nothing disagreed yet from being certain.
	leastStrange = 0.02
)

// unseen returns the share of a resolver's users that are expected in cells that were not seen. runs are weighted.
func (s *strangers) unseen(r *resolver, b *block, candidate int) float64 {
	var runs, alone float64
	cells := 0
	for i := range r.populations {
		n := float64(r.populations[i].views[candidate].runs) / whole
		if n == 0 {
			continue
		}
		runs += n
		cells++
		if n <= 1 {
			alone++
		}
	}
	switch {
	case cells > 1: // I. J. Good, The Population Frequencies of Species, 1953: the share of runs whose cell showed once
		return min(rest, (alone+0.5)/(runs+1))
	case b.mixed: // its neighbours serve several: it probably does
		return suspicion(0.5, runs)
	}
	return suspicion(s.runs, float64(b.runs)/whole)
}

// elsewhere returns how likely a resolver of a prefix that was not seen is of another network than those that were.
func (s *strangers) elsewhere(b *block) float64 { return suspicion(s.resolvers, float64(b.seen)) }

// suspicion returns the expected share in other cells after n draws of the same one, if a share of all pairs differs.
func suspicion(differ, n float64) float64 {
	differ = min(max(differ, leastStrange), 1-leastStrange)
	if n > 30 {
		return 0
	}
	odds := (1 - differ) / differ * posterior.Exp2(float64(max(0, n-1)*log2Agreeing))
	return rest / (1 + odds)
}

var log2Agreeing = posterior.Log2(agreeing)

// meet measures how often draws of the whole epochs differ, each resolver and each prefix counting once.
func meet(a *ageing, resolvers []*resolver) strangers {
	var runs, neighbours differing
	var first []window.Cell // of the most used cell, by resolver of the prefix at hand
	for i, r := range resolvers {
		cells, most := r.shares(a)
		runs.add(cells)
		if i > 0 && prefixOf(resolvers[i-1].address) != prefixOf(r.address) {
			neighbours.add(counted(first))
			first = first[:0]
		}
		first = append(first, most)
	}
	neighbours.add(counted(first))
	return strangers{runs.share(), neighbours.share()}
}

// differing is how often two of a group differ, summed over groups.
type differing struct{ sum, groups float64 }

// add takes a group by how many are of each kind.
func (d *differing) add(kinds []float64) {
	var n, same float64
	for _, k := range kinds {
		n += k
		same += float64(k * (k - 1))
	}
	if n < 2 {
		return
	}
	d.sum += 1 - max(0, same)/float64(n*(n-1))
	d.groups++
}

// share returns the mean, starting from one differing pair in ten.
func (d *differing) share() float64 { return (d.sum + 0.1) / (d.groups + 1) }

// shares returns the runs of each of r's cells in whole epochs, and the cell with the most.
func (r *resolver) shares(a *ageing) (runs []float64, most window.Cell) {
	var h histogram
	for cell := range r.cells {
		var n uint64
		for i := range cell {
			h.reset()
			cell[i].since(a, 1, &h)
			n = max(n, h.runs)
		}
		if n == 0 {
			continue
		}
		x := float64(n) / whole
		if len(runs) == 0 || x > slices.Max(runs) {
			most = cell[0].key.cell()
		}
		runs = append(runs, x)
	}
	return runs, most
}

// counted returns how often each cell occurs.
func counted(cells []window.Cell) (n []float64) {
	seen := make(map[window.Cell]int)
	for _, c := range cells {
		i, ok := seen[c]
		if !ok {
			i = len(n)
			seen[c], n = i, append(n, 0)
		}
		n[i]++
	}
	return n
}
