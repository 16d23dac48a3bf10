package decide

import (
	"cmp"
	"slices"

	"detour/schemas/window"
)

// byCell calls do with the series of each cell in turn, as far as it is looked at on its own, and at last with those of
// all others together. do may not keep them.
func (r *resolver) byCell(a *ageing, do func(window.Cell, []series)) {
	each := func(cell []series) bool {
		do(cell[0].key.cell(), cell)
		return true
	}
	if len(r.series) <= maxCells {
		r.cells(each)
		return
	}
	kept, others := bounded(a, slices.Collect(r.cells))
	for _, cell := range kept {
		each(cell)
	}
	if len(others) > 0 {
		do(window.Cell{Other: true}, others)
	}
}

// cells yields the series of each cell.
func (r *resolver) cells(yield func([]series) bool) {
	for rest := r.series; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].key.sameCell(rest[0].key) {
			n++
		}
		if !yield(rest[:n]) {
			return
		}
		rest = rest[n:]
	}
}

// bounded returns the maxCells cells with the most runs, in their order, and the series of all others: epochs bound their
// cells one by one, see resolver.at, but not each the same ones.
func bounded(a *ageing, cells [][]series) (kept [][]series, others []series) {
	named := len(cells)
	for named > 0 && cells[named-1][0].key.cell().Other { // the last ones
		named--
	}
	list := make([]int, named)
	runs := make([]uint64, named)
	for i := range list {
		list[i] = i
		for j := range cells[i] {
			runs[i] += cells[i][j].runs(a)
		}
	}
	slices.SortStableFunc(list, func(i, j int) int { return cmp.Compare(runs[j], runs[i]) })
	most := list[:min(named, maxCells)]
	slices.Sort(most)
	for _, i := range most {
		kept = append(kept, cells[i])
	}
	for _, i := range list[len(most):] {
		others = append(others, cells[i]...)
	}
	return kept, append(others, slices.Concat(cells[named:]...)...)
}
