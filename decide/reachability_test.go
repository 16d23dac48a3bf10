package decide

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// town is resolvers that are heard of in every pane, and what paths do to whom.
type town struct {
	resolvers int
	paths     int
	cell      func(resolver int) window.Cell
	runs      func(pane, resolver int) int
	fails     func(pane, resolver int, path uint8) fate
}

// fate is what becomes of a pane's runs on a path: how many fail wholly, of them so many by a 504.
type fate struct{ failed, gateways int }

// warm is how many panes everything works in, with runs enough to bring everybody to path 1.
const warm = 3

func (w *town) windows(pane, resolver int) (ws []window.Window) {
	runs := w.runs(pane, resolver)
	if pane < warm {
		runs = 9
	}
	for path := range uint8(max(w.paths, 2)) {
		f := fate{}
		if pane >= warm && w.fails != nil {
			f = w.fails(pane, resolver, path)
		}
		fine := seen{cell: w.cell(resolver), path: path, runs: runs - f.failed, micros: 200_000, bins: []int16{-4}}
		for class := sample.New; class < sample.Classes && fine.runs > 0; class++ {
			s := fine
			s.class, s.pulse = class, int(class)
			ws = append(ws, s.windowOf(address(resolver<<8)))
		}
		if f.failed > 0 {
			s := seen{cell: w.cell(resolver), path: path, runs: f.failed, pulse: 3, failed: 3 * f.failed, gateways: 3 * f.gateways}
			ws = append(ws, s.windowOf(address(resolver<<8)))
		}
	}
	slices.SortFunc(ws, func(a, b window.Window) int { return window.Compare(&a, &b) })
	return ws
}

// play returns the decision on each resolver after each pane.
func (w *town) play(t failer, p control.Policy, panes int) [][]decision.Decision {
	p.Publish.Snapshot = 1
	f := newFeed(t, testGenesis(1, max(w.paths, 2)), p)
	for pane := range panes {
		var ws []window.Window
		for r := range w.resolvers {
			ws = append(ws, w.windows(pane, r)...)
		}
		f.pane(t, 0, firstPane+int64(pane)*minute, ws, 4000, 0)
	}
	out, err := f.run(New(f.genesis, 0), nil, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	var states [][]decision.Decision
	for _, tick := range ticks(t, out) {
		state := make([]decision.Decision, w.resolvers)
		for _, d := range tick.Decisions {
			b := d.Resolver.As4()
			state[int(b[1])<<8|int(b[2])] = d
		}
		states = append(states, state)
	}
	return states
}

// of returns the story of one resolver from the end of the warm panes on.
func of(states [][]decision.Decision, resolver int) (list []decision.Decision) {
	for _, s := range states[warm-1:] {
		list = append(list, s[resolver])
	}
	return list
}

func constant(n int) func(int, int) int { return func(int, int) int { return n } }

// cities spreads resolvers over networks of one country.
func cities(resolver int) window.Cell {
	return window.Cell{Country: berlin.Country, ASN: uint32(64500 + resolver%7)}
}

// steady is the default policy without what keeps users from coming back for reasons of latency.
func steady() control.Policy {
	p := control.DefaultPolicy()
	p.Hold, p.Damping = 0, control.Damping{}
	return p
}

// TestEdgeDownForAThird has proxied requests fail for a third of a country's resolvers, of which each has one run a pane:
// all of these leave in that very pane, nobody else does, and all come back.
func TestEdgeDownForAThird(t *testing.T) {
	const resolvers, from, to, end = 60, 6, 12, 30
	w := town{resolvers: resolvers, cell: cities, runs: constant(1), fails: func(pane, r int, path uint8) fate {
		if path == 1 && r%3 == 0 && pane >= from && pane < to {
			return fate{failed: 1}
		}
		return fate{}
	}}
	states := w.play(t, steady(), end)
	for r := range resolvers {
		want := "1:faster"
		if r%3 == 0 {
			want = "1:faster 0:candidate_down 1:faster"
		}
		if got := story(of(states, r)); got != want {
			t.Errorf("resolver %d: %s, want %s", r, got, want)
		}
		if d := states[from][r]; r%3 == 0 && (d.Path != 0 || d.Failovers != 1 || d.Level < decision.Resolver) {
			t.Errorf("resolver %d is not moved in the first pane: %+v", r, d)
		}
	}
}

func TestOutages(t *testing.T) {
	const from, to, end = 6, 12, 40
	during := func(pane int) bool { return pane >= from && pane < to }
	all := func(path uint8, gateway bool) func(int, int, uint8) fate {
		return func(pane, _ int, p uint8) fate {
			switch {
			case !during(pane) || path < 2 && p != path:
				return fate{}
			case gateway && p == 1:
				return fate{failed: 1, gateways: 1}
			}
			return fate{failed: 1}
		}
	}
	for _, c := range []struct {
		name  string
		town  town
		story string // of resolver 0
		moved int    // resolvers that were moved, ever
	}{
		{"last mile", town{resolvers: 30, cell: cities, runs: constant(1), fails: all(2, false)}, "1:faster 1:all_down 1:faster", 0},
		{"region, behind edges that answer", town{resolvers: 30, cell: cities, runs: constant(1), fails: all(2, true)}, "1:faster 1:region_down 1:faster", 0},
		{"default path, while all are off it", town{resolvers: 30, cell: cities, runs: constant(1), fails: all(0, false)}, "1:faster 1:default_down 1:faster", 0},
		{"one broken client of four", town{resolvers: 30, cell: cities, runs: constant(4), fails: func(pane, r int, p uint8) fate {
			if pane >= from && r == 0 && p == 1 {
				return fate{failed: 1}
			}
			return fate{}
		}}, "1:faster", 0},
		{"one bad run of one resolver", town{resolvers: 30, cell: cities, runs: constant(1), fails: func(pane, r int, p uint8) fate {
			if pane == from && r == 0 && p == 1 {
				return fate{failed: 1}
			}
			return fate{}
		}}, "1:faster", 0},
		{"one resolver alone, for good", town{resolvers: 30, cell: cities, runs: constant(1), fails: func(pane, r int, p uint8) fate {
			if pane >= from && r == 0 && p == 1 {
				return fate{failed: 1}
			}
			return fate{}
		}}, "1:faster 0:candidate_down", 1},
		{"half of the runs of a half", town{resolvers: 30, cell: cities, runs: constant(4), fails: func(pane, r int, p uint8) fate {
			if during(pane) && r%2 == 0 && p == 1 {
				return fate{failed: 2}
			}
			return fate{}
		}}, "1:faster 0:candidate_down 1:faster", 15},
		{"a group that misleads", town{resolvers: 30, cell: cities, runs: constant(1), fails: func(pane, r int, p uint8) fate {
			if during(pane) && r != 0 && p == 1 {
				return fate{failed: 1}
			}
			return fate{}
		}}, "1:faster", 29},
	} {
		t.Run(c.name, func(t *testing.T) {
			states := c.town.play(t, steady(), end)
			if got := story(of(states, 0)); got != c.story {
				t.Errorf("got  %s\nwant %s", got, c.story)
			}
			moved := make(map[int]bool)
			for _, tick := range states[warm:] {
				for r, d := range tick {
					moved[r] = moved[r] || d.Path != d.Previous
				}
			}
			n := 0
			for _, yes := range moved {
				if yes {
					n++
				}
			}
			if n != c.moved {
				t.Errorf("%d resolvers were moved, want %d", n, c.moved)
			}
		})
	}
}

// A path that fails for three of every nine panes drags its users along less and less: the wait doubles.
func TestFlappingPath(t *testing.T) {
	w := town{resolvers: 20, cell: cities, runs: constant(2), fails: func(pane, _ int, path uint8) fate {
		if path == 1 && pane%9 < 3 {
			return fate{failed: 2}
		}
		return fate{}
	}}
	states := w.play(t, steady(), 240)
	left := 0
	for _, tick := range states[warm:] {
		d := tick[0]
		if d.Path == 0 && d.Previous == 1 {
			left++
		}
	}
	if left < 3 || left > 8 {
		t.Errorf("moved off %d times in 240 panes", left)
	}
	t.Logf("moved off %d times, %d times in close succession", left, states[len(states)-1][0].Failovers)
}

// Nobody is moved onto a path that is not measured for the resolver in the reachability window, nor by an outage of all
// paths, whatever fails.
func TestOutagesMoveNobodyBlindly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		p := steady()
		p.Reachability.Window = 1 + r.IntN(5)
		const panes = 16
		w := town{resolvers: 1 + r.IntN(8), paths: 3, cell: cities, runs: constant(1 + r.IntN(3))}
		broken := make(map[string]int)
		w.fails = func(pane, resolver int, path uint8) fate {
			key := fmt.Sprint(pane/4, resolver%2, path)
			if _, known := broken[key]; !known {
				broken[key] = r.IntN(3)
			}
			return fate{failed: min(broken[key], w.runs(pane, resolver))}
		}
		silent := uint8(r.IntN(3)) // this path is not measured behind the warm panes
		f := newFeed(t, testGenesis(1, 3), p)
		worked := make([][3][]bool, w.resolvers)
		for pane := range panes {
			var ws []window.Window
			for resolver := range w.resolvers {
				for _, win := range w.windows(pane, resolver) {
					if pane < warm || win.Path != silent {
						ws = append(ws, win)
					}
				}
			}
			for i := range worked {
				for path := range 3 {
					worked[i][path] = append(worked[i][path], false)
				}
			}
			for _, win := range ws {
				b := win.Resolver.As4()
				if win.OK > 0 {
					worked[int(b[1])<<8|int(b[2])][win.Path][pane] = true
				}
			}
			f.pane(t, 0, firstPane+int64(pane)*minute, ws, 4000, 0)
		}
		out, err := f.run(New(f.genesis, 0), nil, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		for pane, tick := range ticks(t, out) {
			for _, d := range tick.Decisions {
				if d.Bits != 0 || d.Path == d.Previous || d.Reason != decision.CandidateDown && d.Reason != decision.DefaultDown {
					continue
				}
				b := d.Resolver.As4()
				near := worked[int(b[1])<<8|int(b[2])][d.Path][max(0, pane+1-p.Reachability.Window) : pane+1]
				if !slices.Contains(near, true) {
					t.Fatalf("pane %d: %+v, nothing worked there", pane, d)
				}
			}
		}
	})
}

// quiet is a world in which every request times out with a small probability of its own, and clients that can never use
// path 1. It counts how often a resolver would be taken off a path.
type quiet struct {
	resolvers, days int
	rate            float64 // runs a pane and resolver
	timeouts        float64
	broken          float64 // share of clients
	uneven          bool    // they are all in a quarter of the networks
}

func (q quiet) falseMoves(t *testing.T, seed uint64) (perDay float64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	p := control.DefaultPolicy()
	j := judge{paths: 2, length: minute, policy: p, outages: newOutages(minute, 2)}
	list := make([]*resolver, q.resolvers)
	clients := make([][]bool, q.resolvers) // broken
	for i := range list {
		list[i] = &resolver{address: netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), path: 1}
		for range 3 + rng.IntN(40) {
			share := q.broken
			if q.uneven {
				share = q.broken * 4 * float64(min(1, max(0, 1-i%150%4)))
			}
			clients[i] = append(clients[i], rng.Float64() < share)
		}
	}
	down := make([]bool, q.resolvers)
	moves := 0
	panes := 1440 * q.days
	for pane := range panes {
		o := j.outages
		o.begin(int64(pane+1) * minute)
		for i, r := range list {
			var failed, runs [2]int
			for range 4 {
				if rng.Float64() >= q.rate/4 {
					continue
				}
				client := clients[i][rng.IntN(len(clients[i]))]
				for path := range 2 {
					runs[path]++
					for range 3 {
						if rng.Float64() < q.timeouts || client && path == 1 {
							failed[path]++
						}
					}
				}
			}
			if runs[0] == 0 {
				continue
			}
			var ws []window.Window
			for path := range 2 {
				s := seen{cell: window.Cell{Country: sample.Country(i % 20), ASN: uint32(i % 150)}, path: uint8(path), class: sample.New, runs: runs[path], pulse: 3, failed: failed[path]}
				ws = append(ws, s.windowOf(r.address))
			}
			o.hear(r, ws)
		}
		o.finish()
		o.slide(p.Reachability.Window, 0)
		o.prepare(&p.Reachability)
		for i, r := range list {
			h := j.health(r)
			if h[1].down && !down[i] {
				moves++
			}
			down[i] = h[1].down
		}
	}
	return float64(moves) / float64(q.resolvers) / float64(q.days)
}

func TestQuietWorldMovesNobody(t *testing.T) {
	for _, c := range []struct {
		name string
		quiet
		most float64
	}{
		{"as shipped: 2.5 % of requests time out", quiet{2000, 1, 0.1, 0.025, 0, false}, 0.0005},
		{"busy", quiet{300, 1, 2, 0.025, 0, false}, 0.0005},
		{"a client in a hundred can't use the path", quiet{2000, 1, 0.1, 0.025, 0.01, false}, 0.02},
		{"the same, in a quarter of the networks", quiet{2000, 1, 0.1, 0.025, 0.01, true}, 0.1},
	} {
		got := c.falseMoves(t, 11)
		t.Logf("%s: %.5f moves a resolver and day", c.name, got)
		if got > c.most {
			t.Errorf("%s: %.5f false moves a resolver and day, more than %g", c.name, got, c.most)
		}
	}
}
