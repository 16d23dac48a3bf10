package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"detour/internal/dataflow"
	"detour/schemas"
)

// Faults counts what was injected, by kind.
type Faults map[string]int

func (f Faults) count(kind string) { f[kind]++ }

// Add adds the counts of another run.
func (f Faults) Add(g Faults) {
	for kind, n := range g {
		f[kind] += n
	}
}

// String lists the kinds, one a line.
func (f Faults) String() string {
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(f)) {
		fmt.Fprintf(&b, "  %-48s %d\n", kind, f[kind])
	}
	return b.String()
}

// landing is an append that comes into the log when its writer no longer waits for it.
type landing struct {
	step      int
	partition schemas.Partition
	records   []schemas.Record
}

// disturb may break something of its own accord.
func (s *simulation) disturb() {
	p := s.processes[s.rng.IntN(len(s.processes))]
	switch {
	case s.chance(500):
		s.crash(p)
	case s.chance(900):
		s.faults.count("process told to stop")
		s.note("%s stops", p)
		p.stop()
	case s.chance(350) && p.running():
		s.faults.count("process paused for longer than its session")
		p.pausedUntil = s.step + 20 + s.rng.IntN(200)
		s.note("%s pauses until %d", p, p.pausedUntil)
		s.evict(p)
	case s.chance(300):
		s.faults.count("rebalance without a reason")
		s.rebalanceSomeGroup()
	case s.cfg.PolicyEvery > 0 && s.chance(s.cfg.PolicyEvery):
		s.apply(policy(s.rng))
	}
}

// breaks may answer a call with a fault, and tells whether it did.
func (s *simulation) breaks(o *op) bool {
	switch {
	case (o.kind == appending || o.kind == committing) && s.chance(150):
		s.crash(o.proc)
	case o.kind == fetching && s.chance(25):
		s.faults.count("fetch answered with nothing")
		s.finish(o, reply{fetched: dataflow.Fetched{Next: o.offset, End: o.offset}})
	case o.kind != appending && s.chance(250):
		s.faults.count(o.kind.String() + " failed")
		s.finish(o, reply{err: errBroker})
	case o.kind == committing && s.chance(40):
		s.faults.count("commit done, answer lost")
		_ = o.commit.apply(o.offset)
		s.finish(o, reply{err: errBroker})
	case o.kind == appending && !o.landed && s.chance(25):
		s.faults.count("append not acknowledged, sent again")
		s.put(o.partition, o.records) // and once more when it is answered
	case o.kind == appending && s.chance(60):
		s.abandon(o, "append given up")
		s.finish(o, reply{err: errBroker})
	case s.chance(20):
		s.faults.count("broker answered with a retriable error")
	default:
		return false
	}
	s.note("  breaks")
	return true
}

// abandon decides what becomes of an append that nobody waits for any more.
func (s *simulation) abandon(o *op, what string) {
	if o.landed || len(o.records) == 0 {
		s.faults.count(what + " after it landed")
		return
	}
	switch s.rng.IntN(3) {
	case 0:
		s.faults.count(what + ", never landed")
	case 1:
		s.faults.count(what + ", landed")
		s.put(o.partition, o.records)
	case 2:
		s.faults.count(what + ", landed behind later ones")
		s.late = append(s.late, landing{s.step + 1 + s.rng.IntN(80), o.partition, o.records})
	}
}

// land lets appends land that are due, and decides about those whose context ended.
func (s *simulation) land() {
	s.mu.Lock()
	orphans := s.orphans
	s.orphans = nil
	s.mu.Unlock()
	slices.SortStableFunc(orphans, compareOps)
	for _, o := range orphans {
		s.abandon(o, "writer gone during append")
	}
	slices.SortStableFunc(s.late, func(a, b landing) int { return cmp.Compare(a.step, b.step) })
	for len(s.late) > 0 && s.late[0].step <= s.step {
		s.note("lands late: %s", s.late[0].partition)
		s.put(s.late[0].partition, s.late[0].records)
		s.late = s.late[1:]
	}
}
