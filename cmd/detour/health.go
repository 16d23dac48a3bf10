package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"detour/internal/agent"
	"detour/internal/dataflow"
	"detour/internal/dns"
	"detour/internal/kafkalog"
	"detour/internal/metrics"
	"detour/publish/history"
	"detour/schemas/pathmap"
)

// Limits of what counts as well.
const (
	lookEvery    = 5 * time.Second  // how often Kafka is asked at least
	answerWithin = 15 * time.Second // how long ago it may have answered last
	stuckLimit   = 2 * time.Minute  // several times what one request may take
	loopLimit    = 5 * time.Minute  // what a stage computes between two calls takes seconds at most
	probeLimit   = 10 * time.Second // what an answer takes that needs no network
)

// check looks at one thing: see admin.Check.
type check = func() (ok bool, why string)

// kafkaClientLives is about the client, not about Kafka: calls that wait are tried again and again.
func kafkaClientLives(client *kafkalog.Client) check {
	return func() (bool, string) {
		h := client.Health()
		if h.Stuck > stuckLimit {
			return false, fmt.Sprintf("the call for %s was not tried for %s: it hangs", h.For, age(h.Stuck))
		}
		return true, "calls go out"
	}
}

func kafkaAnswers(client *kafkalog.Client) check {
	return func() (bool, string) {
		h := client.Health()
		waits := ""
		if h.Waiting > answerWithin || h.Waiting > 0 && time.Since(h.Answered) > answerWithin {
			waits = fmt.Sprintf("%s is waited for since %s: %s", h.For, age(h.Waiting), h.Why)
		}
		switch {
		case h.Answered.IsZero():
			return false, "it has not answered yet; " + waits
		case time.Since(h.Answered) > answerWithin:
			return false, fmt.Sprintf("it answered %s ago; %s", age(time.Since(h.Answered)), waits)
		case waits != "":
			return true, "it answers, but " + waits
		}
		return true, fmt.Sprintf("it answered %s ago", age(time.Since(h.Answered)))
	}
}

// memberWorks is about a stage that scales out: a member without partitions is well.
func memberWorks(st *metrics.Stage) check {
	return func() (bool, string) {
		joined, assigned := st.Membership()
		switch {
		case !joined:
			return false, "not a member of its group yet"
		case assigned == 0:
			return true, "the other members have all partitions"
		}
		return true, fmt.Sprintf("%d partitions assigned", assigned)
	}
}

// soleWorks is about a stage with one active member: one that stands by is well, one that takes over is not yet.
func soleWorks(st *metrics.Stage, s *dataflow.Sole) check {
	return func() (bool, string) {
		joined, assigned := st.Membership()
		switch {
		case !joined:
			return false, "not a member of its group yet"
		case s.Active():
			return true, "active"
		case assigned == 0:
			return true, "standing by"
		}
		return false, "chosen, and reading back where to go on"
	}
}

func mapsServed(begun func() bool, last func() *pathmap.Manifest) check {
	return func() (bool, string) {
		m := last()
		switch {
		case !begun():
			return false, "not read back yet"
		case m == nil:
			return true, "no version was published yet"
		}
		return true, fmt.Sprintf("version %d of %s with %d entries is served", m.Version, utc(m.Created), m.Entries)
	}
}

// historyWaits never fails: the log keeps what history has to write, and nothing else waits for it.
func historyWaits(store *history.Store) check {
	return func() (bool, string) {
		if since, _ := store.Trouble(); !since.IsZero() {
			return true, fmt.Sprintf("away since %s: history waits, the log keeps it (degraded)", age(time.Since(since)))
		}
		return true, "no call failed last"
	}
}

// dnsLives lets the server answer itself. A probe that does not come back is not repeated.
func dnsLives(s *dns.Server) check {
	var began atomic.Int64 // of the probe under way, ns; 0 = none is
	return func() (bool, string) {
		now := time.Now()
		if began.CompareAndSwap(0, now.UnixNano()) {
			go func() {
				s.Probe()
				began.Store(0)
			}()
			return true, "answers itself"
		}
		if since := now.Sub(time.Unix(0, began.Load())); began.Load() != 0 && since > probeLimit {
			return false, fmt.Sprintf("it has not answered itself for %s: it hangs", age(since))
		}
		return true, "answers itself"
	}
}

func dnsListens(s *dns.Server) check {
	return func() (bool, string) {
		select {
		case <-s.Ready():
			return true, fmt.Sprint(s.Addrs())
		default:
			return false, "not bound yet"
		}
	}
}

// mapInstalled never fails: without a map, or with an old one, a DNS server still answers, and better than none.
func mapInstalled(a *agent.Agent) check {
	return func() (bool, string) {
		i := a.Current()
		switch {
		case i == nil:
			return true, "none yet: everybody gets the default path (degraded)"
		case time.Now().After(time.UnixMilli(i.Manifest.Expires)):
			return true, fmt.Sprintf("version %d of %s is past its expiry (degraded)", i.Manifest.Version, utc(i.Manifest.Created))
		}
		return true, fmt.Sprintf("version %d of %s with %d entries", i.Manifest.Version, utc(i.Manifest.Created), i.Manifest.Entries)
	}
}

// publisherAnswers never fails, for the same reason.
func publisherAnswers(a *agent.Agent) check {
	return func() (bool, string) {
		at := a.Contact()
		if at.IsZero() {
			return true, "has not answered yet (degraded)"
		}
		return true, fmt.Sprintf("answered %s ago", age(time.Since(at)))
	}
}

func age(d time.Duration) string { return d.Round(time.Second).String() }
