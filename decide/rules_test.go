package decide

import (
	"slices"
	"strings"
	"testing"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

var (
	berlin = window.Cell{Country: 0x4445, ASN: 64500}
	lyon   = window.Cell{Country: 0x4652, ASN: 64501}
)

// both returns what runs of one new and two reused pulses saw of path 1 and of the default path.
func both(cell window.Cell, runs int, fresh, reused int16) []seen {
	return []seen{
		{cell: cell, class: sample.New, runs: runs, pulse: 1, micros: 300_000},
		{cell: cell, class: sample.Reused, runs: runs, pulse: 2, micros: 100_000},
		{cell: cell, path: 1, class: sample.New, runs: runs, pulse: 1, bins: []int16{fresh}},
		{cell: cell, path: 1, class: sample.Reused, runs: runs, pulse: 2, bins: []int16{reused}},
	}
}

// outage returns both, with failures of that many pulses of each path and class.
func outage(runs, direct, proxy int) []seen {
	list := both(berlin, runs, -4, -4)
	for i := range list {
		list[i].failed = []int{direct, proxy}[list[i].path]
	}
	return list
}

// play runs panes of one resolver and returns its decision after each tick: the zero Decision while there is none.
func play(t *testing.T, paths int, p control.Policy, panes ...[]seen) []decision.Decision {
	f := newFeed(t, testGenesis(1, paths), p)
	for i, list := range panes {
		var ws []window.Window
		for _, s := range list {
			ws = append(ws, s.windowOf(address(1)))
		}
		slices.SortFunc(ws, func(a, b window.Window) int { return window.Compare(&a, &b) })
		f.pane(t, 0, firstPane+int64(i)*minute, ws, 100, 0)
	}
	out, err := f.run(New(f.genesis, 0), nil, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	var states []decision.Decision
	var state decision.Decision
	for _, w := range ticks(t, out) {
		for _, d := range w.Decisions {
			state = d
		}
		states = append(states, state)
	}
	return states
}

func repeat(n int, list []seen) (panes [][]seen) {
	for range n {
		panes = append(panes, list)
	}
	return panes
}

// story renders decisions as path:reason, a run of equal ones once.
func story(states []decision.Decision) string {
	var words []string
	for _, d := range states {
		word := string('0'+rune(d.Path)) + ":" + d.Reason.String()
		if d.Gone == 1 {
			word += "!"
		}
		if len(words) == 0 || words[len(words)-1] != word {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

func TestRules(t *testing.T) {
	quick := control.DefaultPolicy()
	quick.Window, quick.Hold, quick.Publish.Snapshot = 6, 3, 1
	quick.Harm.Budget = 0 // a world of one resolver has hardly any
	newOnly := quick
	newOnly.Mix = control.Mix{New: 1}
	long := quick
	long.Window = 60
	brief := quick
	brief.Window, brief.HalfLife = 16, 1000
	ages := slices.Concat(repeat(1, both(berlin, 20, 4, 4)), repeat(4, nil), repeat(1, both(berlin, 9, -4, -4)), repeat(18, nil))
	turns := slices.Concat(repeat(1, both(berlin, 20, -4, -4)), repeat(4, nil), repeat(1, both(berlin, 5, 3, 3)), repeat(18, nil))
	scattered := both(berlin, 4, 0, 0)
	scattered[2].bins, scattered[3].bins = []int16{-8, 2, -8, 6}, []int16{-8, 2, -8, 6}
	third := append(both(berlin, 9, -2, -2),
		seen{cell: berlin, path: 2, class: sample.New, runs: 9, pulse: 1, bins: []int16{-5}},
		seen{cell: berlin, path: 2, class: sample.Reused, runs: 9, pulse: 2, bins: []int16{-5}})
	unknown := both(berlin, 9, -4, -4)
	for i := range unknown {
		unknown[i].class = sample.Unknown
	}
	unknown = []seen{unknown[0], unknown[2]}

	for _, c := range []struct {
		name   string
		paths  int
		policy control.Policy
		panes  [][]seen
		want   string
	}{
		{"credibly faster", 2, quick, repeat(1, both(berlin, 9, -4, -4)), "1:faster"},
		{"two runs are too few", 2, quick, repeat(1, both(berlin, 2, -4, -4)), "0:too_few"},
		{"they add up over panes", 2, quick, repeat(2, both(berlin, 2, -4, -4)), "0:too_few 1:faster"},
		{"a few scattered runs are not credible", 2, quick, repeat(1, scattered), "0:uncertain"},
		{"slower", 2, quick, repeat(1, both(berlin, 9, 3, 3)), "0:not_faster"},
		{"the same", 2, quick, repeat(1, both(berlin, 9, 0, 0)), "0:not_faster"},
		{"new gains do not pay for reused losses", 2, quick, repeat(1, both(berlin, 9, -3, 4)), "0:not_faster"},
		{"unless there are only new ones", 2, newOnly, repeat(1, both(berlin, 9, -3, 4)), "1:faster"},
		{"nothing is known of reused connections", 2, quick, repeat(1, []seen{both(berlin, 9, -4, 0)[0], both(berlin, 9, -4, 0)[2]}), "0:too_few"},
		{"nothing is known of the class", 2, quick, repeat(1, unknown), "0:too_few"},
		{"the larger gain", 3, quick, repeat(1, third), "2:faster"},
		{"one population is made slower", 2, quick, repeat(1, append(both(berlin, 40, -8, -8), both(lyon, 4, 4, 4)...)), "0:cell_harmed"},
		{"too small to be looked at", 2, quick, repeat(1, append(both(berlin, 60, -8, -8), both(lyon, 2, 4, 4)...)), "1:faster"},
		{"evidence goes", 2, quick, append(repeat(1, both(berlin, 9, -4, -4)), repeat(20, nil)...), "1:faster 0:no_evidence!"},
		{"evidence that only ages moves nobody", 2, brief, ages, "0:not_faster 0:held"},
		{"new evidence does", 2, brief, append(ages, both(berlin, 1, -4, -4)), "0:not_faster 0:held 1:faster"},
		{"but back to the default path", 2, brief, turns, "1:faster 0:not_faster"},
		{"who is harmed does not wait to go back", 2, quick, append(repeat(1, both(berlin, 9, -4, -4)), repeat(3, both(berlin, 30, 6, 6))...), "1:faster 0:not_faster"},
		{"an outage of the default path", 2, long, append(repeat(1, both(berlin, 2, 2, 2)), append(repeat(5, outage(4, 9, 0)), repeat(7, both(berlin, 9, 2, 2))...)...), "0:not_faster 1:default_down 0:not_faster"},
		{"an outage of both", 2, long, append(repeat(1, both(berlin, 9, -4, -4)), repeat(5, outage(4, 9, 9))...), "1:faster 1:all_down"},
		{"an outage of the candidate, hold or not", 2, long, append(repeat(1, both(berlin, 9, -4, -4)), repeat(5, outage(4, 0, 9))...), "1:faster 0:candidate_down"},
		{"an outage without a measured way out", 2, quick, repeat(3, outage(4, 9, 0)[:2]), "0:all_down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := story(play(t, c.paths, c.policy, c.panes...)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestHoldCountsPanes(t *testing.T) {
	p := control.DefaultPolicy()
	p.Hold, p.Publish.Snapshot, p.Harm.Budget = 4, 1, 0
	good, bad := both(berlin, 90, -6, -6), both(berlin, 900, 6, 6)
	panes := append(repeat(1, good), append(repeat(1, bad), repeat(6, both(berlin, 9000, -6, -6))...)...)
	states := play(t, 2, p, panes...)
	for i, want := range []uint8{1, 0, 0, 0, 0, 1, 1, 1} {
		if states[i].Path != want {
			t.Errorf("tick %d: path %d, want %d", i+1, states[i].Path, want)
		}
	}
	if got, want := states[5].Since, firstPane+5*minute; got != want {
		t.Errorf("since %d, want %d", got, want)
	}
}
