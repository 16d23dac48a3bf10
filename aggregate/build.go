package aggregate

import (
	"cmp"
	"iter"
	"slices"

	"detour/schemas/sample"
	"detour/schemas/window"
)

// compareRows orders rows by window, and within one by source, record and place in it: runs are together.
func compareRows(a, b row) int {
	return cmp.Or(
		a.Resolver.Compare(b.Resolver),
		window.CompareCells(a.cell(), b.cell()),
		cmp.Compare(a.Path, b.Path), cmp.Compare(a.Class, b.Class),
		cmp.Compare(a.source, b.source), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Ordinal, b.Ordinal),
	)
}

func (r *row) cell() window.Cell {
	if r.other {
		return window.Cell{Other: true}
	}
	return window.Cell{Country: r.Country, ASN: r.ASN}
}

func sameResolver(a, b *row) bool { return a.Resolver == b.Resolver }

func sameCell(a, b *row) bool { return a.cell() == b.cell() }

func sameWindow(a, b *row) bool {
	return sameResolver(a, b) && sameCell(a, b) && a.Path == b.Path && a.Class == b.Class
}

// chunks yields the longest runs of neighbours that are the same.
func chunks(rows []row, same func(a, b *row) bool) iter.Seq[[]row] {
	return func(yield func([]row) bool) {
		for from := 0; from < len(rows); {
			to := from + 1
			for to < len(rows) && same(&rows[from], &rows[to]) {
				to++
			}
			if !yield(rows[from:to]) {
				return
			}
			from = to
		}
	}
}

// limitCells puts all but the largest cells of one resolver into the cell of all others, and tells whether there were
// any: more samples first, then the lower key.
func limitCells(rows []row, limit int) bool {
	var cells [][]row
	for cell := range chunks(rows, sameCell) {
		cells = append(cells, cell)
	}
	if len(cells) <= limit {
		return false
	}
	slices.SortStableFunc(cells, func(a, b []row) int { return cmp.Compare(len(b), len(a)) })
	for _, cell := range cells[limit:] {
		for i := range cell {
			cell[i].other = true
		}
	}
	return true
}

// build counts the rows of one window.
func build(rows []row) window.Window {
	first := &rows[0]
	cell := first.cell()
	w := window.Window{
		Resolver: first.Resolver,
		Country:  cell.Country,
		ASN:      cell.ASN,
		Path:     first.Path,
		Class:    first.Class,
	}
	if cell.Other {
		w.Other = 1
	}
	var latencies, ratios []int16
	var clients []uint64
	var lastRun, lastPaired run
	for i := range rows {
		r := &rows[i]
		count(&w, &r.Sample)
		this := runOf(r)
		if i == 0 || this != lastRun {
			w.Runs, lastRun = w.Runs+1, this
			clients = append(clients, r.Client)
		}
		if r.Outcome == sample.OK {
			latencies = append(latencies, window.LatencyBin(r.Duration))
		}
		if r.Paired {
			if w.Pairs == 0 || this != lastPaired {
				w.PairRuns, lastPaired = w.PairRuns+1, this
			}
			w.Pairs++
			ratios = append(ratios, window.RatioBin(r.Ratio))
		}
	}
	slices.Sort(clients)
	w.Clients = uint32(len(slices.Compact(clients)))
	w.Latency, w.Ratio = histogram(latencies), histogram(ratios)
	for _, q := range []struct {
		permille uint64
		at       *uint32
	}{{500, &w.P50}, {750, &w.P75}, {900, &w.P90}, {950, &w.P95}, {990, &w.P99}} {
		*q.at = w.Latency.LatencyQuantile(q.permille)
	}
	return w
}

// count adds a sample to the counters.
func count(w *window.Window, s *sample.Sample) {
	switch s.Outcome {
	case sample.OK:
		w.OK++
	case sample.HTTPError:
		w.HTTPErrors++
	case sample.GatewayError:
		w.GatewayErrors++
	case sample.Unreachable:
		w.Unreachable++
	}
	if s.Flags&sample.Late != 0 {
		w.Late++
	}
	if s.Flags&sample.Skewed != 0 {
		w.Skewed++
	}
}

// histogram counts bins, which it sorts.
func histogram(bins []int16) (h window.Histogram) {
	slices.Sort(bins)
	for _, b := range bins {
		h.Add(b, 1)
	}
	return h
}
