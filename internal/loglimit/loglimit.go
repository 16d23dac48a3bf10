// Package loglimit keeps a fault that repeats from filling the log. Of each kind of line a few pass in an interval; what
// was swallowed is counted, and told in one line once the interval is over.
//
// A kind is a level and a message: fields that differ, such as a partition, make no other kind. What has to be counted
// exactly is a metric; the log is for people.
package loglimit

import (
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// maxKinds bounds what is remembered. Messages beyond, which somebody else's words may be part of, are one kind.
const maxKinds = 256

// others is the message of that kind.
const others = "lines of further kinds"

// Limit is how many lines of a kind pass in an interval.
type Limit struct {
	Every  time.Duration
	Faults int // warnings and worse
	Others int // of other levels
}

// Default lets through what a person can follow: the first lines name partitions and ranges one by one.
func Default() Limit { return Limit{Every: 10 * time.Second, Faults: 10, Others: 100} }

// Logger returns a logger that writes as log does, within the limit.
func (l Limit) Logger(log zerolog.Logger) zerolog.Logger {
	return log.Hook(&hook{limit: l, log: log, kinds: make(map[kind]*count)})
}

type kind struct {
	level   zerolog.Level
	message string
}

// count is what became of a kind's lines in this interval.
type count struct{ passed, swallowed int }

type hook struct {
	limit Limit
	log   zerolog.Logger

	mu    sync.Mutex
	kinds map[kind]*count
	ends  time.Time // of the interval
}

// Run implements zerolog.Hook.
func (h *hook) Run(e *zerolog.Event, level zerolog.Level, message string) {
	if level == zerolog.Disabled { // another hook swallowed it
		return
	}
	over := h.turn()
	for k, c := range over {
		h.log.WithLevel(k.level).Str("line", k.message).Int("swallowed", c.swallowed).Dur("within", h.limit.Every).Msg("more of the same")
	}
	if !h.pass(kind{level, message}) {
		e.Discard()
	}
}

// turn begins the next interval if it is time, and returns the kinds of which lines were swallowed in the last one.
func (h *hook) turn() (over map[kind]*count) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if now.Before(h.ends) {
		return nil
	}
	over = h.kinds
	h.kinds, h.ends = make(map[kind]*count), now.Add(h.limit.Every)
	for k, c := range over {
		if c.swallowed == 0 {
			delete(over, k)
		}
	}
	return over
}

func (h *hook) pass(k kind) bool {
	most := h.limit.Others
	if k.level >= zerolog.WarnLevel {
		most = h.limit.Faults
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.kinds[k] == nil && len(h.kinds) >= maxKinds {
		k.message = others
	}
	c := h.kinds[k]
	if c == nil {
		c = new(count)
		h.kinds[k] = c
	}
	if c.passed < most {
		c.passed++
		return true
	}
	c.swallowed++
	return false
}
