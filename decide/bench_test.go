package decide

import (
	"runtime"
	"testing"

	"detour/schemas/control"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// BenchmarkTick measures the core of a tick, from decoded panes to encoded decisions, on a window that 200,000 resolvers
// have evidence in: all of them new, all of them heard from again, and one in twenty.
func BenchmarkTick(b *testing.B) {
	const resolvers = 200_000
	everybody, few := benchPane(resolvers, 1), benchPane(resolvers, 20)
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			m := benchMachine()
			b.StartTimer()
			benchTick(b, m, everybody)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/resolvers, "ns/resolver")
	})
	for name, pane := range map[string][]window.Window{"all": everybody, "one_in_20": few} {
		b.Run(name, func(b *testing.B) {
			before := heap()
			m := benchMachine()
			benchTick(b, m, everybody)
			held := float64(heap() - before)
			n := 0
			for b.Loop() {
				benchTick(b, m, pane)
				n++
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n)/resolvers, "ns/resolver")
			b.ReportMetric(held/resolvers, "bytes/resolver")
			runtime.KeepAlive(m)
		})
	}
}

func benchMachine() *Machine {
	g := testGenesis(1, 2)
	p := control.DefaultPolicy()
	p.Publish.Snapshot = 100_000
	m := New(g, 0)
	m.control.policy = &p
	return m
}

// benchPane has one run, of one new and two reused pulses on two paths, of each nth resolver.
func benchPane(resolvers, nth int) (ws []window.Window) {
	for i := 0; i < resolvers; i += nth {
		for path := range 2 {
			for class := sample.New; class < sample.Classes; class++ {
				s := seen{cell: berlin, path: uint8(path), class: class, runs: 1, pulse: int(class), bins: []int16{-3, -2}}
				ws = append(ws, s.windowOf(address(i)))
			}
		}
	}
	return ws
}

func benchTick(b *testing.B, m *Machine, ws []window.Window) {
	m.partitions[0].pane = &window.Pane{Start: firstPane + m.last.Number*minute, Windows: ws}
	if _, err := m.tick(); err != nil {
		b.Fatal(err)
	}
}

func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
