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

// span is how much time passes between two faults of a kind.
type span struct{ least, most time.Duration }

// schedule returns the faults of a run, in order of time: the same for the same settings. A real broker needs many seconds
// to come back, and so it is left in peace for longer: else nothing would flow.
func schedule(s chaosSettings, processes, brokers []string) (faults []fault) {
	rng := rand.New(rand.NewPCG(s.seed, 0))
	between := func(least, most time.Duration) time.Duration {
		return least + time.Duration(rng.Int64N(int64(most-least)))
	}
	every := func(next span, what func() fault) {
		for at := between(0, next.least); at < s.length; at += between(next.least, next.most) {
			f := what()
			f.at = at
			faults = append(faults, f)
		}
	}
	outages, stops := span{6 * time.Second, 14 * time.Second}, span{15 * time.Second, 30 * time.Second}
	if s.broker == realBroker {
		outages, stops = span{20 * time.Second, 60 * time.Second}, span{20 * time.Second, 60 * time.Second}
	}
	any := func(names []string) string { return names[rng.IntN(len(names))] }
	frozen := func() time.Duration { return between(chaosSession*5/4, chaosSession*9/4) }
	every(span{500 * time.Millisecond, 2 * time.Second}, func() fault { return fault{kind: sigkill, victim: any(processes)} })
	every(span{4 * time.Second, 10 * time.Second}, func() fault { return fault{kind: sigterm, victim: any(processes)} })
	every(span{4 * time.Second, 8 * time.Second}, func() fault {
		return fault{kind: sigstop, victim: any(processes), lasts: frozen()}
	})
	every(stops, func() fault { return fault{kind: sigstop, victim: any(brokers), lasts: frozen()} })
	every(outages, func() fault {
		return fault{kind: outage, victim: any(brokers), lasts: between(0, 1500*time.Millisecond)}
	})
	every(span{5 * time.Second, 15 * time.Second}, func() fault {
		return fault{kind: outage, victim: clickhouseEngine, lasts: between(0, 5*time.Second)}
	})
	slices.SortStableFunc(faults, func(a, b fault) int { return cmp.Compare(a.at, b.at) })
	return faults
}
