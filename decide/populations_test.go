package decide

import (
	"cmp"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/control"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// throng returns windows of one run each, of that many cells of a resolver, numbered at random below of.
func throng(r *rand.Rand, cells, of int) (ws []window.Window) {
	for _, asn := range r.Perm(of)[:cells] {
		for path := range uint8(2) {
			s := seen{
				cell: window.Cell{ASN: uint32(asn), Country: 0x4445, Other: asn == 0}, path: path,
				class: sample.New + sample.Class(r.IntN(2)), runs: 1 + r.IntN(3), pulse: 1, bins: []int16{-2},
			}
			if s.cell.Other {
				s.cell = window.Cell{Other: true}
			}
			ws = append(ws, s.windowOf(address(1)))
		}
	}
	slices.SortFunc(ws, func(a, b window.Window) int { return window.Compare(&a, &b) })
	return ws
}

// TestAResumedMachineHasTheSameEvidence runs a machine, resumes another from what it wrote, and compares what they hold: a
// resolver has more cells than an epoch takes, the policy's lengths grow and shrink.
func TestAResumedMachineHasTheSameEvidence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		p := drawPolicy(r)
		f := newFeed(t, testGenesis(1, 2), p)
		panes := 1 + r.IntN(25)
		for i := range int64(panes) {
			if i > 0 && r.IntN(8) == 0 {
				p = drawPolicy(r)
				f.say(t, i, control.Record{Policy: &p})
			}
			ws := throng(r, r.IntN(50), 150)
			if r.IntN(3) > 0 {
				ws = append(ws, drawWindows(r, address(2), 2, r.IntN(9)-6, 3)...)
			}
			f.pane(t, 0, firstPane+i*minute, ws, 100, 0)
		}
		width := []int{1, 2, 5, epochPanes}[r.IntN(4)]
		m := New(f.genesis, 0)
		m.evidence.width = width
		stop := int64(1 + r.IntN(panes))
		out, err := f.run(m, nil, stop)
		if err != nil {
			t.Fatal(err)
		}
		var c Checkpoint
		for _, w := range ticks(t, out) {
			c.Extend(w)
		}
		again, err := Resume(f.genesis, 0, &c)
		if err != nil {
			t.Fatal(err)
		}
		again.evidence.width = width
		for !again.rebuilt {
			in := again.Next()
			rest := f.rest(again, in)
			if _, err := again.Apply(rest, in.Offset+int64(len(rest))); err != nil {
				t.Fatal(err)
			}
		}
		sameEvidence(t, &again.evidence, &m.evidence)
	})
}

func sameEvidence(t *rapid.T, got, want *evidence) {
	if !reflect.DeepEqual(got.epochs, want.epochs) {
		t.Fatalf("epochs %+v, want %+v", got.epochs, want.epochs)
	}
	g, w := got.outages, want.outages
	if len(g.panes) != len(w.panes) || g.panes[0].start != w.panes[0].start {
		t.Fatalf("%d panes from %d, want %d from %d", len(g.panes), g.panes[0].start, len(w.panes), w.panes[0].start)
	}
	if !reflect.DeepEqual(g.calm, w.calm) {
		t.Fatalf("base rate %+v, want %+v", g.calm, w.calm)
	}
	if len(got.resolvers) != len(want.resolvers) {
		t.Fatalf("%d resolvers, want %d", len(got.resolvers), len(want.resolvers))
	}
	for a, r := range want.resolvers {
		g := got.resolvers[a]
		if g.heard != r.heard || len(g.series) != len(r.series) {
			t.Fatalf("%s: heard in %d, %d series, want %d, %d", a, g.heard, len(g.series), r.heard, len(r.series))
		}
		for i := range r.series {
			x, y := g.series[i], r.series[i]
			equal := x.key == y.key && x.newest == y.newest
			if !equal || !slices.Equal(x.shape, y.shape) || len(x.shape) > 0 && x.tail != y.tail {
				t.Fatalf("%s: series %+v, want %+v", a, x, y)
			}
		}
	}
}

// TestCellsAreBounded hears of ever new cells: an epoch takes so many of them, a resolver shows the largest, and no run is lost.
func TestCellsAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		e := &New(testGenesis(1, 2), 0).evidence
		p := control.DefaultPolicy()
		panes := rapid.IntRange(1, 3*epochPanes).Draw(t, "panes")
		total := uint64(0)
		for i := range int64(panes) {
			start := firstPane + i*minute
			ws := throng(r, rapid.IntRange(0, 60).Draw(t, "cells"), 250)
			e.add(e.begin(start, nil), &window.Pane{Start: start, Windows: ws})
			e.age(&p)
			for j := range ws {
				total += uint64(ws[j].PairRuns)
			}
		}
		a := e.resolvers[address(1)]
		if a == nil {
			return
		}
		for _, epoch := range e.epochs {
			if n := cellsOf(a.series, uint16(epoch.number)); n > maxCells {
				t.Fatalf("%d cells in an epoch", n)
			}
		}
		var shown [][]series
		met := uint64(0)
		once := ageing{now: e.ageing.now} // every run counts as one
		for range e.ageing.weight {
			once.weight = append(once.weight, 1)
		}
		a.byCell(&e.ageing, func(cell window.Cell, list []series) {
			shown = append(shown, slices.Clone(list))
			var h histogram
			for i := range list {
				list[i].since(&once, 0, &h)
				if !cell.Other && list[i].key.cell() != cell {
					t.Fatalf("%v holds %v", cell, list[i].key.cell())
				}
			}
			met += h.runs
		})
		if met != total {
			t.Fatalf("%d runs of %d", met, total)
		}
		largest(t, a, &e.ageing, shown)
	})
}

// cellsOf counts the named cells that an epoch has bars of.
func cellsOf(list []series, epoch uint16) int {
	cells := map[window.Cell]bool{}
	for i := range list {
		for rest := list[i].shape; len(rest) > 0; rest = rest[header+int(rest[1]):] {
			if rest[0] == epoch && !list[i].key.cell().Other {
				cells[list[i].key.cell()] = true
			}
		}
	}
	return len(cells)
}

// largest checks that those shown on their own are the cells with the most runs, in their order.
func largest(t *rapid.T, r *resolver, a *ageing, shown [][]series) {
	runs := map[window.Cell]uint64{}
	for i := range r.series {
		if cell := r.series[i].key.cell(); !cell.Other {
			runs[cell] += r.series[i].runs(a)
		}
	}
	var want []window.Cell
	for cell := range runs {
		want = append(want, cell)
	}
	slices.SortFunc(want, func(a, b window.Cell) int { return cmp.Or(cmp.Compare(runs[b], runs[a]), window.CompareCells(a, b)) })
	want = want[:min(len(want), maxCells)]
	slices.SortFunc(want, window.CompareCells)
	var got []window.Cell
	for _, list := range shown {
		if cell := list[0].key.cell(); !cell.Other && len(got) < maxCells {
			got = append(got, cell)
		}
	}
	if !slices.Equal(got, want) || len(shown) > len(want)+1 {
		t.Fatalf("%d cells of %d: %v, want %v", len(shown), len(runs), got, want)
	}
}
