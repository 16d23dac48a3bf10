package aggregate

import (
	"cmp"
	"slices"

	"detour/schemas/control"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// pane gathers the rows of one pane until it is sealed: only then is it known which runs of a client count and which
// cells are the largest, whatever order rows came in.
type pane struct {
	resume window.Resume
	rows   []row
	totals window.Totals
}

// row is a sample and where it came from.
type row struct {
	source int32
	other  bool // its cell is beyond the largest ones
	sample.Sample
}

// add takes a row; moved tells that its own pane is sealed.
func (p *pane) add(source int32, s *sample.Sample, moved bool) {
	p.rows = append(p.rows, row{source: source, Sample: *s})
	p.totals.Samples++
	if s.Flags&sample.Late != 0 {
		p.totals.Late++
	}
	if s.Flags&sample.Skewed != 0 {
		p.totals.Skewed++
	}
	if moved {
		p.totals.Moved++
	}
}

// windows returns the pane's windows in order.
func (p *pane) windows(g *control.Genesis) []window.Window {
	p.capClients(g.RunsPerClient)
	p.totals.Counted = int64(len(p.rows))
	p.totals.Capped = p.totals.Samples - p.totals.Counted
	slices.SortFunc(p.rows, compareRows)
	for rows := range chunks(p.rows, sameResolver) {
		if limitCells(rows, g.MaxCells) {
			slices.SortFunc(rows, compareRows)
		}
	}
	var windows []window.Window
	for rows := range chunks(p.rows, sameWindow) {
		windows = append(windows, build(rows))
	}
	return windows
}

// run identifies a run and orders the runs of a client by a hash, so that neither when nor where a run arrived tells
// whether it counts.
type run struct {
	client uint64
	hash   uint64
	source int32
	number int32
	offset int64
}

func runOf(r *row) run {
	return run{r.Client, mix(uint64(r.source)<<32|uint64(uint32(r.Run)), uint64(r.Offset)), r.source, r.Run, r.Offset}
}

func compareRuns(a, b run) int {
	return cmp.Or(cmp.Compare(a.client, b.client), cmp.Compare(a.hash, b.hash),
		cmp.Compare(a.source, b.source), cmp.Compare(a.offset, b.offset), cmp.Compare(a.number, b.number))
}

// mix hashes two words: the finalizer of SplitMix64 (Steele, Lea, Flood 2014) over each in turn.
func mix(a, b uint64) uint64 {
	x := uint64(0)
	for _, v := range [...]uint64{a, b} {
		x += v + 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

// capClients drops the rows of all but a client's first limit runs. Unknown clients can't be told apart: none is capped.
func (p *pane) capClients(limit int) {
	var runs []run
	for i := range p.rows {
		if r := runOf(&p.rows[i]); r.client != 0 {
			runs = append(runs, r)
		}
	}
	slices.SortFunc(runs, compareRuns)
	runs = slices.Compact(runs)
	dropped := make(map[run]bool)
	for i := range runs {
		if i >= limit && runs[i-limit].client == runs[i].client {
			dropped[runs[i]] = true
		}
	}
	if len(dropped) > 0 {
		p.rows = slices.DeleteFunc(p.rows, func(r row) bool { return dropped[runOf(&r)] })
	}
}
