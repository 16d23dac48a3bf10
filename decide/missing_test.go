package decide

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/window"
)

// told renders ticks: the minute of the pane behind the first one, with ! where the tick is incomplete.
func told(wholes []*decision.Whole) string {
	var words []string
	for _, w := range wholes {
		word := fmt.Sprint((w.Pane - firstPane) / minute)
		if w.Tick.Totals.Incomplete {
			word += "!"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestMissingPanesNeverEndTheStage(t *testing.T) {
	p := control.DefaultPolicy()
	p.Window, p.Reachability.Window = 2, 2
	type pane struct {
		part  int
		start int64 // minutes
		ok    bool
	}
	for name, c := range map[string]struct {
		panes []pane
		lost  []int // partitions whose beginning retention took
		want  string
	}{
		"nothing is missing":          {[]pane{{0, 0, true}, {1, 0, true}, {0, 1, true}, {1, 1, true}}, nil, "0 1"},
		"one partition lacks a pane":  {[]pane{{0, 0, true}, {1, 0, true}, {0, 1, true}, {0, 2, true}, {1, 2, true}, {0, 3, true}, {1, 3, true}}, nil, "0 1! 2! 3"},
		"one is broken":               {[]pane{{0, 0, true}, {1, 0, true}, {0, 1, true}, {1, 1, false}, {0, 2, true}, {1, 2, true}}, nil, "0 1! 2!"},
		"all lack some":               {[]pane{{0, 0, true}, {1, 0, true}, {0, 3, true}, {1, 4, true}, {0, 4, true}}, nil, "0 1! 2! 3! 4!"},
		"what is last may still come": {[]pane{{0, 0, true}, {1, 0, true}, {0, 1, true}, {1, 1, false}}, nil, "0"},
		"one begins later":            {[]pane{{0, 0, true}, {0, 1, true}, {0, 2, true}, {1, 1, true}, {1, 2, true}}, nil, "0 1 2"},
		"one lost its beginning":      {[]pane{{0, 0, true}, {0, 1, true}, {0, 2, true}, {0, 3, true}, {1, 1, true}, {1, 2, true}, {1, 3, true}}, []int{1}, "0! 1! 2 3"},
		"all lost their beginning":    {[]pane{{0, 5, true}, {1, 5, true}, {0, 6, true}, {1, 6, true}, {0, 7, true}, {1, 7, true}}, []int{0, 1}, "5! 6! 7"},
		"the first one is broken":     {[]pane{{0, 0, true}, {0, 1, true}, {1, 0, false}, {1, 1, true}}, nil, "0! 1!"},
		"an old one comes late":       {[]pane{{0, 0, true}, {1, 0, true}, {0, 2, true}, {0, 1, true}, {1, 2, true}, {1, 1, true}}, nil, "0 1! 2!"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFeed(t, testGenesis(2, 2), p)
			s := seen{runs: 1, pulse: 1}
			for _, x := range c.panes {
				f.pane(t, x.part, firstPane+x.start*minute, []window.Window{s.windowOf(address(x.part))}, 1, 0)
				if !x.ok {
					f.breakLast(x.part)
				}
			}
			m := New(f.genesis, 0)
			m.evidence.width = 1
			for _, part := range c.lost {
				m.Overrun(part, 0)
			}
			out, err := f.run(m, nil, 1<<40)
			if err != nil {
				t.Fatal(err)
			}
			if got := told(ticks(t, out)); got != c.want {
				t.Errorf("ticks %s, want %s", got, c.want)
			}
		})
	}
}

// breakLast cuts the last record of a partition short.
func (f *feed) breakLast(partition int) {
	r := &f.windows[partition][len(f.windows[partition])-1]
	r.Value = r.Value[:len(r.Value)/2]
}

// A gap is told tick by tick: what is held meanwhile does not depend on how long it is.
func TestALongGapIsNotHeldAtOnce(t *testing.T) {
	p := control.DefaultPolicy()
	p.Window, p.Reachability.Window = 3, 3
	f := newFeed(t, testGenesis(1, 2), p)
	f.pane(t, 0, firstPane, nil, 1, 0)
	f.pane(t, 0, firstPane+1_000_000*minute, nil, 1, 0)
	m := New(f.genesis, 0)
	m.evidence.width = 2
	for last := int64(1); last < 500; last++ {
		out, err := f.run(m, nil, last)
		if err != nil || len(ticks(t, out)) != 1 {
			t.Fatalf("tick %d: %d records, %v", last, len(out), err)
		}
		if panes, epochs := len(m.evidence.outages.panes), len(m.evidence.epochs); panes > p.Reachability.Window || epochs > 2 || len(m.partitions[0].pending) > 1 {
			t.Fatalf("tick %d: %d panes and %d epochs are held, and %d records", last, panes, epochs, len(m.partitions[0].pending))
		}
	}
}

// losePane writes a pane that nobody can read, or nothing at all. It reports whether there are broken records.
func (s *scene) losePane(t *rapid.T, r *rand.Rand, part int, start int64, ws []window.Window) (broken bool) {
	if r.IntN(2) == 0 {
		return false
	}
	n := len(s.windows[part])
	s.pane(t, part, start, ws, 5+r.IntN(60), 0)
	lost := &s.windows[part][n+r.IntN(len(s.windows[part])-n)]
	lost.Value = lost.Value[:r.IntN(len(lost.Value))]
	return true
}

// losses finds out, the dumb way, of which panes something is known to be missing.
type losses struct {
	missing []bool
	kept    []int  // by partition: panes that can be read
	holed   []bool // by partition: before its first pane something can't be read
}

func newLosses(partitions, panes int) *losses {
	return &losses{missing: make([]bool, panes), kept: make([]int, partitions), holed: make([]bool, partitions)}
}

// note takes the next pane of a partition: whether it can be read, and whether something before it can't.
func (l *losses) note(part, tick int, kept, broken bool) {
	l.holed[part] = l.holed[part] || broken && l.kept[part] == 0
	switch {
	case kept && l.kept[part] == 0 && l.holed[part]: // what it lost may have been of any pane before it
		for i := range max(tick, 1) {
			l.missing[i] = true
		}
	case !kept && l.kept[part] > 0:
		l.missing[tick] = true
	}
	if kept {
		l.kept[part]++
	}
}
