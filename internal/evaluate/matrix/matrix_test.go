package matrix

import (
	"bytes"
	"compress/gzip"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"detour/internal/evaluate"
	"detour/schemas/sample"
)

// opened returns the content as a file that can be opened again and again.
func opened(content string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }
}

// config is that of a file without noise.
func config(content string) Config {
	return Config{
		Open: opened(content), Regions: []string{"r1", "r2"}, Edges: []string{"e1", "e2"},
		Slice: 15 * time.Minute, Runs: 3,
	}
}

// world builds the world of a file, or fails the test.
func newWorld(t *testing.T, c Config) *World {
	t.Helper()
	w, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// hand is small enough to know everything about. Anna is at r1 and e1, Bob at r2 and e2. In slice 1 Bob's direct value is
// repeated and Anna's edge is away; in slice 2 both values of Bob are.
const hand = `t,src,dst,rtt_ms
0,anna,r1,100
0,anna,r2,120
0,anna,e1,10
0,anna,e2,20
0,bob,r1,90
0,bob,r2,30
0,bob,e2,40
0,e1,r1,50
0,e2,r2,7
0,r1,e1,1
1,anna,r1,110
1,bob,r2,30
1,bob,e2,41
1,e1,r1,50
1,e2,r2,7
2,anna,r1,120
2,anna,e1,12
2,bob,r2,30
2,bob,e2,41
2,e1,r1,60
2,e2,r2,7
`

func TestClientsUseTheNearest(t *testing.T) {
	w := newWorld(t, config(hand))
	if w.LeftOut() != 0 || w.Slices() != 3 || len(w.Clients()) != 2 {
		t.Fatalf("%d left out, %d slices, clients %+v", w.LeftOut(), w.Slices(), w.Clients())
	}
	for i, want := range [][3]string{{"anna", "r1", "e1"}, {"bob", "r2", "e2"}} {
		if c := w.Clients()[i]; [3]string{c.Name, c.Region, c.Edge} != want {
			t.Errorf("client %d is %+v, want %v", i, c, want)
		}
	}
}

func TestTruthIsComposed(t *testing.T) {
	w := newWorld(t, config(hand))
	anna, bob := 0, 1
	for _, test := range []struct {
		name               string
		client, path, pane int
		want               evaluate.Truth
	}{
		{"direct is three round trips, or one", anna, direct, 0, evaluate.Truth{New: 300, Reused: 100}},
		{"the middle leg is crossed once", anna, proxy, 0, evaluate.Truth{New: 80, Reused: 60}},
		{"a slice has fifteen panes", anna, direct, 14, evaluate.Truth{New: 300, Reused: 100}},
		{"then the next one begins", anna, direct, 15, evaluate.Truth{New: 330, Reused: 110}},
		{"a missing leg: as elsewhere, but it fails", anna, proxy, 15, evaluate.Truth{New: 88, Reused: 66, Fails: 1}},
		{"the last slice", bob, proxy, 44, evaluate.Truth{New: 130, Reused: 48}},
		{"the state at the end", bob, proxy, 45, evaluate.Truth{New: 130, Reused: 48}},
	} {
		if got := w.Truth(test.client, test.path, test.pane); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}

// TestTheReverseDoesNotStandIn: the hand-made file has r1 to e1 in slice 0, and this one nothing else of that pair.
func TestTheReverseDoesNotStandIn(t *testing.T) {
	c := config(strings.Replace(hand, "0,e1,r1,50\n", "", 1))
	if got := newWorld(t, c).Truth(0, proxy, 0); got.Fails != 1 {
		t.Errorf("an edge without a way to its region: %+v", got)
	}
}

func TestCap(t *testing.T) {
	c := config("t,src,dst,rtt_ms\n0,a,r1,10\n0,a,e1,1\n0,e1,r1,1\n1,a,r1,11\n1,a,e1,1000\n1,e1,r1,1\n2,a,r1,900\n0,x,r2,1\n0,x,e2,1\n")
	w := newWorld(t, c) // a's direct path typically takes 33 and 11 ms
	for path := range paths {
		got := w.Truth(0, path, (2-path)*PanesPerSlice)
		if got.New != 16*33 || got.Reused != 16*11 {
			t.Errorf("path %d in its worst slice: %+v, want 16 times the direct path's typical value", path, got)
		}
	}
	if got := w.Truth(1, proxy, 0); got.Fails != 1 || got.New != 16*3 || got.Reused != 16 {
		t.Errorf("a path that never answers: %+v, want the cap", got)
	}
}

func TestNoiseInTruth(t *testing.T) {
	c := config(hand)
	c.Noise = 1
	w := newWorld(t, c)
	got := w.Truth(0, direct, 0)
	want := 300 * w.noise.Mean(16*330/300.0)
	if math.Abs(got.New-want) > 1e-9 || got.Fails != w.noise.Timeouts() || got.New <= 300 {
		t.Errorf("%+v, want %g", got, want)
	}
}

// TestHeldValuesAreNoMeasurement counts what Bob and Anna measured over each path.
func TestHeldValuesAreNoMeasurement(t *testing.T) {
	c := config(hand)
	c.Runs = 20
	w := newWorld(t, c)
	type key struct{ slice, client, path int }
	got := map[key]int{}
	for pane := range w.Layout().Panes {
		for r := range w.Runs(pane) {
			for path, p := range r.Pulses {
				if len(p) > 0 {
					got[key{pane / PanesPerSlice, r.Resolver, path}]++
				}
			}
		}
	}
	for slice := range 3 {
		for client := range 2 {
			for path := range paths {
				held := client == 1 && (slice == 2 || slice == 1 && path == direct)
				if n := got[key{slice, client, path}]; (n == 0) != held {
					t.Errorf("slice %d, client %d, path %d: %d runs, held is %t", slice, client, path, n, held)
				}
			}
		}
	}
}

func TestPulsesSayWhatTheMatrixSays(t *testing.T) {
	w := newWorld(t, config(hand))
	seen := 0
	for pane := range w.Layout().Panes {
		for r := range w.Runs(pane) {
			if r.Resolver != 0 {
				continue
			}
			seen++
			for path, p := range r.Pulses {
				truth := w.Truth(0, path, pane)
				for i, pulse := range p {
					want := evaluate.Pulse{Class: sample.Reused, Micros: uint32(1000 * truth.Reused)}
					switch {
					case truth.Fails == 1:
						want = evaluate.Pulse{Outcome: sample.Unreachable}
					case i == 0:
						want = evaluate.Pulse{Class: sample.New, Micros: uint32(1000 * truth.New)}
					}
					if pulse != want {
						t.Fatalf("pane %d, path %d, pulse %d: %+v, want %+v", pane, path, i, pulse, want)
					}
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no run was seen")
	}
}

func TestOutages(t *testing.T) {
	rows := strings.ReplaceAll(hand, "2,bob,r2,30\n", "") + "3,anna,r1,1\n"
	l := newWorld(t, config(rows)).Layout()
	want := []evaluate.Outage{
		{Populations: []int{0}, Path: proxy, From: 15, To: 30},  // Anna's edge is away in slice 1
		{Populations: []int{1}, Path: direct, From: 30, To: 45}, // Bob's region in slice 2
		{Populations: []int{1}, Path: evaluate.LastMile, From: 45, To: 60},
		{Populations: []int{0}, Path: proxy, From: 45, To: 60},
	}
	if len(l.Outages) != len(want) {
		t.Fatalf("%+v", l.Outages)
	}
	for i, o := range l.Outages {
		if o.Path != want[i].Path || o.From != want[i].From || o.To != want[i].To || o.Populations[0] != want[i].Populations[0] {
			t.Errorf("outage %d: %+v, want %+v", i, o, want[i])
		}
	}
}

// TestGapsArePassed: slices without rows take time, make no runs and are not scored.
func TestGapsArePassed(t *testing.T) {
	w := newWorld(t, config(strings.ReplaceAll(strings.ReplaceAll(hand, "\n1,", "\n5,"), "\n2,", "\n9,")))
	l := w.Layout()
	if l.Panes != 10*PanesPerSlice {
		t.Errorf("%d panes", l.Panes)
	}
	var scored []int
	for pane := range l.Panes + 1 {
		if l.Scored(pane) {
			scored = append(scored, pane)
		}
		if pane < l.Panes && pane/PanesPerSlice == 3 {
			for range w.Runs(pane) {
				t.Fatal("a run where nothing was measured")
			}
		}
	}
	if len(scored) != 2 || scored[0] != 5*PanesPerSlice || scored[1] != 9*PanesPerSlice {
		t.Errorf("scored are panes %v", scored)
	}
}

// TestRowsInAnyOrder: the same rows make the same world.
func TestRowsInAnyOrder(t *testing.T) {
	header, body, _ := strings.Cut(hand, "\n")
	lines := strings.Split(strings.TrimSpace(body), "\n")
	for i, j := 0, len(lines)-1; i < j; i, j = i+1, j-1 {
		lines[i], lines[j] = lines[j], lines[i]
	}
	if a, b := print(newWorld(t, config(hand))), print(newWorld(t, config(header+"\n"+strings.Join(lines, "\n")))); a != b {
		t.Errorf("the order of rows matters:\n%s\n%s", a, b)
	}
}

// TestALaterSliceChangesNothingBefore: neither runs nor truth of earlier slices move with a later one's values.
func TestALaterSliceChangesNothingBefore(t *testing.T) {
	c := config(hand)
	c.Noise, c.Runs = 1, 10
	before := c
	c.Open = opened(strings.ReplaceAll(hand, "2,anna,r1,120", "2,anna,r1,3000"))
	a, b := newWorld(t, before), newWorld(t, c)
	for pane := range 2 * PanesPerSlice {
		if x, y := printPane(a, pane), printPane(b, pane); x != y {
			t.Fatalf("pane %d: %s\n%s", pane, x, y)
		}
	}
	if printPane(a, 2*PanesPerSlice) == printPane(b, 2*PanesPerSlice) && printPane(a, 2*PanesPerSlice+1) == printPane(b, 2*PanesPerSlice+1) {
		t.Error("the change is not seen at all")
	}
}

func TestGzipIsToldByContent(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte("\ufeff" + strings.ReplaceAll(hand, "\n", "\r\n")))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if a, b := print(newWorld(t, config(hand))), print(newWorld(t, config(packed.String()))); a != b {
		t.Errorf("compressed, with CRLF and a byte order mark: %s\n%s", a, b)
	}
	c := config(packed.String()[:packed.Len()/2])
	if _, err := New(c); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("cut in the middle: %v", err)
	}
}

// TestAnotherFirstSlice: who can't be placed by the first slice is by the first one that can, and who never can is left
// out.
func TestAnotherFirstSlice(t *testing.T) {
	rows := hand + "1,late,e1,5\n2,late,r1,3\n2,late,r2,2\n0,never,e1,1\n0,anna,never,1\n"
	w := newWorld(t, config(rows))
	if w.LeftOut() != 1 || len(w.Clients()) != 3 || w.Clients()[2].Name != "late" || w.Clients()[2].Region != "r2" || w.Clients()[2].Edge != "e1" {
		t.Fatalf("%d left out, clients %+v", w.LeftOut(), w.Clients())
	}
	if got := w.Truth(2, direct, 0); got.Fails != 1 {
		t.Errorf("before it is known: %+v", got)
	}
}

// TestAnEdgeThatIsARegion: inside a node there is no way to go, unless the file says how long it is.
func TestAnEdgeThatIsARegion(t *testing.T) {
	rows := "t,src,dst,rtt_ms\n0,a,x,10\n0,b,x,20\n1,a,x,11\n1,b,x,21\n"
	c := config(rows)
	c.Regions, c.Edges = []string{"x"}, []string{"x"}
	w := newWorld(t, c)
	if d, p := w.Truth(0, direct, 0), w.Truth(0, proxy, 0); d.New != 30 || math.Abs(p.New-30) > 1e-6 {
		t.Errorf("direct %+v, proxy %+v", d, p)
	}
	c.Open = opened(rows + "0,x,x,4\n")
	if p := newWorld(t, c).Truth(0, proxy, 0); p.New != 34 {
		t.Errorf("with a way inside: %+v", p)
	}
}
