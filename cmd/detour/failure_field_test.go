package main

import (
	"fmt"
	"iter"
	"net/netip"
	"regexp"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/dataflow/memlog"
	"detour/internal/genesis"
	"detour/internal/world"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/pathmap"
)

// field is a world whose resolvers live in 127.0.0.0/8, so that the test can ask a DNS server in the name of each, and how
// much of it was reported.
type field struct {
	world  *world.World
	number map[string]int // of a resolver, by its address in the world
	next   func() (world.Run, bool)
	head   world.Run // the first that was not reported yet
	more   bool
}

// littleWorld returns a world of that length which is large enough for moves.
func littleWorld(t *testing.T, length time.Duration, change func(*world.Scenario)) *world.World {
	t.Helper()
	s := world.Default()
	s.Seed, s.Resolvers, s.Bad, s.Duration = 7, 300, 0.01, length
	s.Runs = int(length/time.Minute) * 240
	if change != nil {
		change(&s)
	}
	w, err := world.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// newField returns the field of a world of which nothing was reported yet.
func newField(t *testing.T, w *world.World) *field {
	t.Helper()
	f := &field{world: w, number: make(map[string]int)}
	for i, r := range w.Resolvers() {
		f.number[r.Addr.String()] = i
	}
	var stop func()
	f.next, stop = iter.Pull(w.Runs())
	t.Cleanup(stop)
	f.head, f.more = f.next()
	return f
}

// at is the time in ms so long after the world's first report.
func (f *field) at(since time.Duration) int64 {
	return f.world.Scenario().Start.Add(since).UnixMilli()
}

// alias is where a resolver of the world asks from.
func (f *field) alias(number int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 10, byte(number / 250), byte(1 + number%250)})
}

var resolverOfReport = regexp.MustCompile(`"resolver":"([^"]+)"`)

// report is a run as the collector of the test has it: under its resolver's alias. The number is the resolver's, -1 where a
// malformed report names none.
func (f *field) report(r *world.Run) (value []byte, number int) {
	found := resolverOfReport.FindSubmatchIndex(r.Value)
	if found == nil {
		return r.Value, -1
	}
	number, known := f.number[string(r.Value[found[2]:found[3]])]
	if !known {
		return r.Value, -1
	}
	value = append(value, r.Value[:found[2]]...)
	value = f.alias(number).AppendTo(value)
	return append(value, r.Value[found[3]:]...), number
}

// reporting says whether a run is reported at all; number is its resolver's.
type reporting func(r *world.Run, number int) bool

func all(*world.Run, int) bool { return true }

// feed reports what happened until so long after the world's first report, and seals its panes: each source tells the time,
// as ingest does for one that is quiet.
func (s *site) feed(t *testing.T, until time.Duration, reported reporting) {
	t.Helper()
	s.reports(t, until, reported)
	for source := range s.world.Scenario().Partitions {
		s.tell(t, source, s.at(until)+s.cfg.Genesis.Lateness)
	}
}

// reports appends the reports of the runs before until, and nothing behind them.
func (s *site) reports(t *testing.T, until time.Duration, reported reporting) {
	t.Helper()
	const most = 1000 // records in one append to each partition
	for s.more && s.head.Time < s.at(until) {
		batches := make([][]schemas.Record, s.world.Scenario().Partitions)
		for range most {
			if !s.more || s.head.Time >= s.at(until) {
				break
			}
			if value, number := s.report(&s.head); reported(&s.head, number) {
				at := schemas.Partition{Topic: schemas.Reports, Number: s.head.Partition}
				batches[at.Number] = append(batches[at.Number], schemas.Record{Partition: at, Time: s.head.Time, Value: value})
			}
			s.head, s.more = s.next()
		}
		if err := appendReports(t.Context(), s.pipeline, batches); err != nil {
			t.Fatal(err)
		}
	}
}

// tell appends a heartbeat to a source.
func (s *site) tell(t *testing.T, source int, ms int64) {
	t.Helper()
	at := schemas.Partition{Topic: schemas.Reports, Number: int32(source)}
	if _, err := s.log.Append(t.Context(), at, []schemas.Record{schemas.Heartbeat(at, ms)}); err != nil {
		t.Fatal(err)
	}
}

// decided waits for the tick that reached the pane before until.
func (s *site) decided(t *testing.T, until time.Duration) {
	t.Helper()
	last := s.cfg.Genesis.PaneOf(s.at(until) - 1)
	eventually(t, "the tick of "+clockOf(last), func() bool {
		pane, err := lastTick(t.Context(), s.log)
		return err == nil && pane >= last
	})
}

// published waits until a fleet API serves what an undisturbed run makes of the reports up to until, and returns that run.
func (s *site) published(t *testing.T, url string, until time.Duration) *calm {
	t.Helper()
	want := undisturbed(t, s.pipeline, s.cfg.Genesis.PaneOf(s.at(until)-1))
	final := want.last.Manifest
	arrives(t, "the map at "+url, fmt.Sprintf("version %d, %s", final.Version, final.Digest), func() string {
		m := manifest(url)
		if m == nil {
			return "none"
		}
		return fmt.Sprintf("version %d, %s", m.Version, m.Digest)
	})
	return want
}

// instead returns what an undisturbed run under a policy makes of other reports of the same world.
func (s *site) instead(t *testing.T, policy control.Policy, w *world.World, until time.Duration, reported reporting) *calm {
	t.Helper()
	partitions := make(map[schemas.Topic]int)
	for _, spec := range s.cfg.topicSpecs() {
		partitions[spec.Topic] = spec.Partitions
	}
	other := &site{pipeline: &pipeline{cfg: s.cfg, log: memlog.New(partitions)}, field: newField(t, w)}
	other.feed(t, until, reported)
	if err := genesis.Ensure(t.Context(), other.log, &s.cfg.Genesis, policy, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	return undisturbed(t, other.pipeline, s.cfg.Genesis.PaneOf(s.at(until)-1))
}

// stories returns what the log tells of each resolver: its changes, in order.
func (a *account) stories() map[netip.Addr][]string {
	told := make(map[netip.Addr][]string)
	for _, w := range a.keptTicks {
		for _, d := range w.Decisions {
			if d.Changed == 1 && d.Bits == 0 {
				told[d.Resolver] = append(told[d.Resolver], fmt.Sprintf("%s: path %d, %s", clockOf(w.Pane), d.Path, d.Reason))
			}
		}
	}
	return told
}

// entries returns the map of a version: path by resolver, of those that are off the default path. A prefix stands for its
// first address.
func entries(t *testing.T, p *pathmap.Publication) map[netip.Addr]string {
	t.Helper()
	m, err := p.Manifest.Open(p.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	paths := make(map[netip.Addr]string, len(m.Entries))
	for _, e := range m.Entries {
		if paths[e.Resolver] = m.Paths[e.Path]; e.Path == m.Default {
			delete(paths, e.Resolver)
		}
	}
	return paths
}

// somebody returns a resolver that a map moves, always the same.
func somebody(t *testing.T, moved map[netip.Addr]string) netip.Addr {
	t.Helper()
	var first netip.Addr
	for a := range moved {
		if !first.IsValid() || a.Less(first) {
			first = a
		}
	}
	if !first.IsValid() {
		t.Fatal("nobody is moved: the test would look at an empty map")
	}
	return first
}
