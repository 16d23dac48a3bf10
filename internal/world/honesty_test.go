package world

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"testing"
)

// shippedWorld builds an embedded scenario's world.
func shippedWorld(t *testing.T, name string) *World {
	t.Helper()
	s, err := LoadScenario(name)
	if err != nil {
		t.Fatal(err)
	}
	w, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ratios are a mean of samples over their expectation, which should be 1.
type ratios struct{ n, sum, squares float64 }

func (r *ratios) add(x float64) { r.n, r.sum, r.squares = r.n+1, r.sum+x, r.squares+x*x }

// off says how far the mean is from 1, in standard errors.
func (r *ratios) off() float64 {
	mean := r.sum / r.n
	return (mean - 1) / math.Sqrt((r.squares/r.n-mean*mean)/r.n)
}

// oracle remembers the truth of a moment: it changes only with the conditions.
type oracle struct {
	w     *World
	known map[moment]Truth
}

type moment struct {
	population, path int
	now              conditions
}

func (o *oracle) at(population, path int, t int64) Truth {
	m := moment{population, path, o.w.conditionsAt(population, t)}
	truth, ok := o.known[m]
	if !ok {
		truth = Truth{
			New:      o.w.TrueLatencyAt(population, path, NewConnection, t),
			Reused:   o.w.TrueLatencyAt(population, path, ReusedConnection, t),
			Failures: o.w.FailureShare(population, path, t),
		}
		o.known[m] = truth
	}
	return truth
}

// measuredPath is what the draws of a world say about one path.
type measuredPath struct {
	latency          [classCount]ratios
	failed, expected float64
}

func (m *measuredPath) add(w *World, population int, pulses []Pulse, truth Truth) {
	for _, p := range pulses {
		m.expected += truth.Failures
		if p.Status != 200 {
			m.failed++
			continue
		}
		expected := map[Class]float64{NewConnection: truth.New, ReusedConnection: truth.Reused}[p.Class]
		ms := min(float64(p.Micros())/1000, LatencyCap*w.Typical(population, p.Class))
		m.latency[p.Class].add(ms / expected)
	}
}

// In every scenario, what honest clients measure averages to the truth of its moment, and as many requests fail as the
// truth says: at any time, so in and out of every fault.
func TestScenariosMeasureTheirTruth(t *testing.T) {
	for _, name := range shipped() {
		w := shippedWorld(t, name)
		truth := oracle{w, map[moment]Truth{}}
		var paths [PathCount]measuredPath
		draws := min(20_000, w.scenario.Runs)
		for i := range draws {
			d := w.Draw(i * (w.scenario.Runs / draws))
			for path := range d.Pulses {
				if !d.Lies {
					paths[path].add(w, d.Population, d.Pulses[path][:], truth.at(d.Population, path, d.Time))
				}
			}
		}
		for path, m := range paths {
			for class, r := range m.latency {
				t.Logf("%s, %s, class %d: mean of sample / truth %.4f, %.1f standard errors", name, pathNames[path], class, r.sum/r.n, r.off())
				if math.Abs(r.off()) > 4 || math.Abs(r.sum/r.n-1) > 0.05 {
					t.Errorf("%s, %s, class %d: samples average to %.4f of the truth", name, pathNames[path], class, r.sum/r.n)
				}
			}
			if off := m.failed - m.expected; math.Abs(off) > 6*math.Sqrt(m.expected) {
				t.Errorf("%s, %s: %.0f requests fail, the truth says %.0f", name, pathNames[path], m.failed, m.expected)
			}
		}
	}
}

// The same scenario draws the same runs, on every platform: their digests are a file.
func TestScenariosAreReproducible(t *testing.T) {
	const name = "testdata/draws.json"
	got := map[string]string{}
	for _, s := range shipped() {
		w := shippedWorld(t, s)
		h := sha256.New()
		for i := range 2000 {
			d := w.Draw(i * (w.scenario.Runs / 2000))
			if err := binary.Write(h, binary.BigEndian, []int64{d.Time, int64(d.Cell), int64(d.Device), int64(len(d.Flaw))}); err != nil {
				t.Fatal(err)
			}
			for _, p := range slices.Concat(d.Pulses[Direct][:], d.Pulses[Proxy][:]) {
				if err := binary.Write(h, binary.BigEndian, []int64{int64(p.Class), int64(p.Status), p.TCP, p.TLS, p.Wait}); err != nil {
					t.Fatal(err)
				}
			}
		}
		got[s] = fmt.Sprintf("%d runs, %x", w.scenario.Runs, h.Sum(nil)[:16])
	}
	if *update {
		raw, err := json.MarshalIndent(got, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, append(raw, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("scenarios draw %v, want %v: if that is meant, run with -update", got, want)
	}
}
