package decide

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// scene is a random feed, with what is in it.
type scene struct {
	*feed
	panes    [][]window.Window
	policies []control.Policy // by tick, from 1
	missing  []bool           // by pane: something is known to be missing of it
	width    int              // panes in an epoch
}

// drawScene makes up a few resolvers, each with its truth, which changes now and then, and some panes of what is seen. Of
// a lossy one some panes are broken or gone.
func drawScene(t *rapid.T, lossy bool) *scene {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	g := testGenesis(1+r.IntN(3), 2+r.IntN(2))
	p := drawPolicy(r)
	s := &scene{feed: newFeed(t, g, p)}
	s.width = []int{1, 2, 3, epochPanes}[r.IntN(4)]
	resolvers := 1 + r.IntN(9)
	centre, broken := make([]int, resolvers), make([]int, resolvers)
	common := [3]int{r.IntN(14) - 10, r.IntN(14) - 10, r.IntN(14) - 10} // neighbours are alike
	for i := range resolvers {
		centre[i], broken[i] = common[i%3]+r.IntN(3)-1, r.IntN(20)
	}
	often := [...]int{5, 5, 60}[r.IntN(3)] // a pane in often/3 says something of a resolver: where few do, evidence only ages
	panes := 1 + r.IntN(30)
	if often > 5 {
		panes += 20
	}
	loss := newLosses(g.Samples, panes)
	for tick := range panes {
		if tick > 0 && r.IntN(12) == 0 {
			p = drawPolicy(r)
			s.say(t, int64(tick), control.Record{Policy: &p})
		}
		if r.IntN(20) == 0 {
			s.sayRaw(int64(tick), []byte("{"))
		}
		s.policies = append(s.policies, p)
		s.panes = append(s.panes, nil)
		byPartition := make([][]window.Window, g.Samples)
		for i := range resolvers {
			if r.IntN(8) == 0 {
				centre[i], broken[i] = common[i%3]+r.IntN(3)-1, r.IntN(20)
			}
			if r.IntN(often) < 3 {
				ws := drawWindows(r, address(i%3<<8|i), len(g.Paths), centre[i], broken[i])
				byPartition[i%g.Samples] = append(byPartition[i%g.Samples], ws...)
			}
		}
		for part, ws := range byPartition {
			slices.SortFunc(ws, func(a, b window.Window) int { return window.Compare(&a, &b) })
			start := firstPane + int64(tick)*minute
			if last := tick == panes-1 || tick+part == 0; lossy && !last && r.IntN(5) == 0 {
				loss.note(part, tick, false, s.losePane(t, r, part, start, ws))
				continue
			}
			s.panes[tick] = append(s.panes[tick], ws...)
			loss.note(part, tick, true, s.writePane(t, r, part, start, ws))
		}
	}
	s.missing = loss.missing
	return s
}

// machine returns one at the beginning, whose epochs may be shorter than those of others, so that few panes make many.
func (s *scene) machine() *Machine {
	m := New(s.genesis, 3)
	m.evidence.width = s.width
	return m
}

// writePane writes a pane with what a log may have about it: garbage, attempts that stopped half-way, repeats. It reports
// whether there is garbage.
func (s *scene) writePane(t *rapid.T, r *rand.Rand, part int, start int64, ws []window.Window) (garbage bool) {
	size := 5 + r.IntN(60)
	if r.IntN(10) == 0 {
		s.raw(part, []byte("garbage"))
		garbage = true
	}
	if n := len(s.windows[part]); r.IntN(5) == 0 && len(ws) > size { // its writer stopped after a chunk
		s.pane(t, part, start, ws, size, 7)
		s.windows[part] = s.windows[part][:n+1]
	}
	s.pane(t, part, start, ws, size, int64(r.IntN(3)))
	if r.IntN(5) == 0 {
		s.pane(t, part, start, ws, 5+r.IntN(60), 9)
	}
	return garbage
}

func drawPolicy(r *rand.Rand) control.Policy {
	p := control.DefaultPolicy()
	p.Window, p.HalfLife = 1+r.IntN(15), 1+r.IntN(30)
	p.Reachability.Window = 1 + r.IntN(min(p.Window, 4))
	p.Reachability.Recover = 1 + r.IntN(5)
	if r.IntN(4) == 0 {
		p.Capacity = control.Capacity{"proxy1": 100_000 * (1 + r.IntN(8))}
	}
	p.Hold = r.IntN(6)
	p.DeadBand.EnterPPM = r.IntN(80_000)
	p.Damping.Reuse, p.Damping.Suppress = 100, 100+r.IntN(1500)
	p.Damping.HalfLife, p.Damping.Longest = 1+r.IntN(20), 1+r.IntN(20)
	p.Publish.Snapshot = 1 + r.IntN(9)
	p.Mix.New, p.Mix.Reused = [...]int{1, 1, 0, 3}[r.IntN(4)], [...]int{2, 0, 1}[r.IntN(3)]
	if p.Mix.New+p.Mix.Reused == 0 {
		p.Mix.New = 1
	}
	p.Latency.MinRuns, p.Latency.ConfidencePPM = 2+r.IntN(9), 600_000+r.IntN(390_000)
	p.Harm.Limit = [...]int{10_000, 50_000, 200_000}[r.IntN(3)]
	return p
}

// networks of scenes: two in one country, and others in others.
var networks = []window.Cell{
	{ASN: 1, Country: 0x4445}, {ASN: 2, Country: 0x4445}, {ASN: 1, Country: 0x4652}, {ASN: 3, Country: 0x4652}, {Other: true},
}

// drawWindows makes up what a resolver's clients see in a pane.
func drawWindows(r *rand.Rand, a netip.Addr, paths, centre, broken int) (ws []window.Window) {
	cells := 1 + r.IntN(3)
	if a.As4()[3]%2 == 0 { // most serve one network
		cells = 1
	}
	for cell := range cells {
		number := int(a.As4()[2]) + cell // the first is that of the prefix
		for path := range paths {
			for class := range sample.Classes {
				if r.IntN(6) == 0 {
					continue
				}
				s := seen{
					cell: networks[number%len(networks)], path: uint8(path), class: sample.Class(class),
					runs: 1 + r.IntN(4), pulse: 1 + r.IntN(3), micros: uint32(20_000 + r.IntN(100_000)),
				}
				for range 1 + r.IntN(5) {
					s.bins = append(s.bins, int16(centre+r.IntN(4)+cell))
				}
				if broken == path || broken == 4 || broken == 5 {
					s.failed = s.runs * s.pulse
				}
				if broken == 5 {
					s.gateways = s.failed
				}
				ws = append(ws, s.windowOf(a))
			}
		}
	}
	slices.SortFunc(ws, func(a, b window.Window) int { return window.Compare(&a, &b) })
	return ws
}

func TestReadsAndStopsChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t, rapid.Bool().Draw(t, "lossy"))
		want, err := s.run(s.machine(), nil, 1<<40)
		if err != nil {
			t.Fatal(err)
		}
		var got []schemas.Record
		m := s.machine()
		var c Checkpoint
		for life := 0; ; life++ {
			r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "reads"), 0))
			stop := int64(rapid.IntRange(1, len(s.panes)+1).Draw(t, "stop"))
			more, err := s.run(m, r, stop)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, more...)
			if stop > int64(len(s.panes)) || life == 3 {
				if stop <= int64(len(s.panes)) {
					rest, err := s.run(m, r, 1<<40)
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, rest...)
				}
				break
			}
			c = Checkpoint{}
			for _, w := range ticks(t, got) {
				if w.Tick.Snapshot && rapid.Bool().Draw(t, "begin here") {
					c = Checkpoint{}
				}
				c.Extend(w)
			}
			if m, err = Resume(s.genesis, 3, &c); err != nil {
				t.Fatal(err)
			}
			m.evidence.width = s.width
		}
		same(t, onlyDecisions(got), onlyDecisions(want))
	})
}

func onlyDecisions(records []schemas.Record) (kept []schemas.Record) {
	for _, r := range records {
		if r.Partition.Topic == schemas.Decisions {
			kept = append(kept, r)
		}
	}
	return kept
}

func same(t *rapid.T, got, want []schemas.Record) {
	if len(got) != len(want) {
		t.Fatalf("%d records, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i].Value, want[i].Value) {
			a, _ := decision.Decode(got[i].Value)
			b, _ := decision.Decode(want[i].Value)
			t.Fatalf("record %d differs:\n got %+v %+v\nwant %+v %+v", i, a.Head.Tick, a.Decisions, b.Head.Tick, b.Decisions)
		}
	}
}
