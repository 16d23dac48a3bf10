package world

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"iter"
	"math"
	"net/netip"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

// take returns the first n of a sequence.
func take(runs iter.Seq[Run], n int) []Run {
	var out []Run
	for r := range runs {
		if len(out) == n {
			break
		}
		out = append(out, r)
	}
	return out
}

// The same seed gives the same bytes: on every platform, so the digest is a file.
func TestRunsAreReproducible(t *testing.T) {
	const name = "testdata/runs.sha256"
	digest := func(w *World) string {
		h := sha256.New()
		for _, r := range take(w.Runs(), 20000) {
			var head [12]byte
			binary.BigEndian.PutUint64(head[:], uint64(r.Time))
			binary.BigEndian.PutUint32(head[8:], uint32(r.Partition))
			h.Write(head[:])
			h.Write(r.Value)
		}
		return hex.EncodeToString(h.Sum(nil)) + "\n"
	}
	got := digest(build(t, nil))
	if again := digest(build(t, nil)); again != got {
		t.Fatalf("two runs of one scenario differ: %s%s", got, again)
	}
	if other := digest(build(t, func(s *Scenario) { s.Seed = 2 })); other == got {
		t.Error("another seed changes nothing")
	}
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("digest of the first runs is %s, want %s: if that is meant, run with -update", got, want)
	}
}

func TestRunsAreInOrderAndStable(t *testing.T) {
	w := build(t, nil)
	last := w.scenario.Start.UnixMilli()
	partition := map[string]int32{}
	perPartition := make([]int, w.scenario.Partitions)
	count := 0
	for r := range w.Runs() {
		if r.Time < last || r.Time > w.End() {
			t.Fatalf("run %d is at %d, after %d, end %d", count, r.Time, last, w.End())
		}
		last = r.Time
		count++
		perPartition[r.Partition]++
		if r.Flaw != "" {
			continue
		}
		_, rest, _ := strings.Cut(string(r.Value), `"client":"`)
		client, _, _ := strings.Cut(rest, `"`)
		if was, ok := partition[client]; ok && was != r.Partition {
			t.Fatalf("client %s moved from partition %d to %d", client, was, r.Partition)
		}
		partition[client] = r.Partition
	}
	if count != w.scenario.Runs {
		t.Errorf("%d runs, want %d", count, w.scenario.Runs)
	}
	for i, n := range perPartition {
		if math.Abs(float64(n)-float64(count)/4) > float64(count)/50 {
			t.Errorf("partition %d has %d of %d runs", i, n, count)
		}
	}
}

func TestRunsFromTheMiddle(t *testing.T) {
	w := build(t, nil)
	whole, tail := take(w.Runs(), 120), take(w.RunsFrom(100), 20)
	for i, r := range tail {
		if string(r.Value) != string(whole[100+i].Value) || r.Time != whole[100+i].Time {
			t.Fatalf("run %d differs when made alone", 100+i)
		}
	}
}

// report is Probnik's JSON as this test reads it.
type report struct {
	Ctx struct {
		ID, Resolver, Client, Country string
		ASN                           uint32
	}
	Type, Name string
	Data       []struct {
		Name, Target string
		Data         []pulse
	}
}

type pulse struct {
	Start, D, TTFB float64
	SC, Size       int
	TCP, TLS       *float64
	Via            string
}

func decode(t *testing.T, w *World, r Run) (report, *Cell) {
	t.Helper()
	var rep report
	if err := json.Unmarshal(r.Value, &rep); err != nil {
		t.Fatalf("%v in %s", err, r.Value)
	}
	client := netip.MustParseAddr(rep.Ctx.Client).As16()
	c := &w.cells[binary.BigEndian.Uint32(client[8:])]
	return rep, c
}

func TestReportsAreProbniks(t *testing.T) {
	w := build(t, func(s *Scenario) { s.Bad = 0 })
	for _, r := range take(w.Runs(), 5000) {
		rep, c := decode(t, w, r)
		p := &w.populations[c.Population]
		if rep.Ctx.Resolver != w.resolvers[c.Resolver].Addr.String() || rep.Ctx.Country != p.Country || rep.Ctx.ASN == 0 || rep.Ctx.ID == "" {
			t.Fatalf("context of %s", r.Value)
		}
		if len(rep.Data) != 2 || rep.Data[Direct].Name != "direct" || rep.Data[Proxy].Name != "proxy" {
			t.Fatalf("paths of %s", r.Value)
		}
		for path, target := range rep.Data {
			if !strings.HasPrefix(target.Target, "https://") || len(target.Data) != 3 {
				t.Fatalf("target of %s", r.Value)
			}
			checkPulses(t, target.Data, path, p.Edge)
		}
	}
}

// checkPulses holds what a decoder relies on: a pulse is on a new connection exactly if it is the first or follows one
// that failed, and its parts add up.
func checkPulses(t *testing.T, pulses []pulse, path int, edge string) {
	t.Helper()
	fresh, clock := true, 0.0
	for _, p := range pulses {
		if p.Start < clock {
			t.Fatalf("pulse starts before the last one ended: %+v", p)
		}
		clock = p.Start + p.D
		if p.SC == 0 {
			if p.D != timeoutMs || p.TCP != nil || p.Size != 0 {
				t.Fatalf("time-out %+v", p)
			}
			fresh = true
			continue
		}
		if sum := *p.TCP + *p.TLS + p.TTFB; math.Abs(sum-p.D) > 0.0005 || p.D <= 0 {
			t.Fatalf("parts of %+v add up to %v", p, sum)
		}
		if (*p.TCP > 0) != fresh || (path == Proxy) != (p.Via == edge) {
			t.Fatalf("%+v on a new connection: %v, edge %s", p, fresh, edge)
		}
		fresh = false
	}
}

func TestBadReports(t *testing.T) {
	w := build(t, func(s *Scenario) { s.Bad, s.Runs = 0.1, 20000 })
	seen := map[string]int{}
	bad := 0
	for r := range w.Runs() {
		if r.Flaw == "" {
			continue
		}
		bad++
		seen[r.Flaw]++
		if r.Flaw == "truncated" && json.Valid(r.Value) {
			t.Errorf("truncated report is valid: %s", r.Value)
		}
	}
	if math.Abs(float64(bad)-2000) > 200 || len(seen) != len(flaws) {
		t.Errorf("%d bad reports: %v", bad, seen)
	}
}

func TestFlawsChangeTheReport(t *testing.T) {
	w := build(t, func(s *Scenario) { s.Bad, s.Noise = 0, 0 })
	for r := range w.Runs() {
		for _, f := range flaws {
			if spoiled := f.spoil(append([]byte(nil), r.Value...)); string(spoiled) == string(r.Value) {
				t.Errorf("%q leaves the report as it was", f.name)
			}
		}
		return
	}
}

func BenchmarkRuns(b *testing.B) {
	w := build(b, func(s *Scenario) { s.Runs = 1e9 })
	b.ReportAllocs()
	b.ResetTimer()
	size, n := 0, 0
	for r := range w.Runs() {
		if n == b.N {
			break
		}
		n++
		size += len(r.Value)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reports/s")
	b.ReportMetric(float64(size)/float64(n), "bytes/report")
}
