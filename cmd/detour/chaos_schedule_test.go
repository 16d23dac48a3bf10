package main

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// What happens to a process.
const (
	sigkill = "SIGKILL"
	sigterm = "SIGTERM"
	sigstop = "SIGSTOP" // for longer than a session, then SIGCONT: what goes on then was superseded and doesn't know it
	outage  = "outage"  // of an engine: SIGKILL, and started again later
)

// fault is one thing that happens.
type fault struct {
	at     time.Duration // from the start
	kind   string
	victim string // a process, or an engine
	lasts  time.Duration
}

// schedule returns the faults of a run, in order of time: the same for the same seed.
func schedule(seed uint64, length time.Duration, stages []string) (faults []fault) {
	rng := rand.New(rand.NewPCG(seed, 0))
	between := func(least, most time.Duration) time.Duration {
		return least + time.Duration(rng.Int64N(int64(most-least)))
	}
	every := func(least, most time.Duration, what func() fault) {
		for at := between(0, least); at < length; at += between(least, most) {
			f := what()
			f.at = at
			faults = append(faults, f)
		}
	}
	anyStage := func() string { return stages[rng.IntN(len(stages))] }
	every(500*time.Millisecond, 2*time.Second, func() fault { return fault{kind: sigkill, victim: anyStage()} })
	every(4*time.Second, 10*time.Second, func() fault { return fault{kind: sigterm, victim: anyStage()} })
	every(4*time.Second, 8*time.Second, func() fault {
		return fault{kind: sigstop, victim: anyStage(), lasts: between(chaosSession*5/4, chaosSession*9/4)}
	})
	every(6*time.Second, 14*time.Second, func() fault {
		return fault{kind: outage, victim: "kafka", lasts: between(0, 1500*time.Millisecond)}
	})
	every(5*time.Second, 15*time.Second, func() fault {
		return fault{kind: outage, victim: "clickhouse", lasts: between(0, 5*time.Second)}
	})
	slices.SortStableFunc(faults, func(a, b fault) int { return cmp.Compare(a.at, b.at) })
	return faults
}
