package kafkalog

import (
	"sync"
	"time"
)

// Health is how a client's calls fare.
type Health struct {
	Answered time.Time     // when Kafka last did what it was asked; zero = never
	Waiting  time.Duration // of the call that waits the longest for what Kafka owes it; 0 = none does
	For      string        // what that call waits for: a partition, a topic, a group
	Why      string        // of that call's last failure, for a person
	Stuck    time.Duration // since a waiting call was last tried or answered: beyond minutes, the client itself hangs
}

// calls are those that are under way.
type calls struct {
	mu       sync.Mutex
	open     map[*call]struct{}
	answered time.Time
}

// call is one that waits for Kafka. Its times are guarded by calls.mu.
type call struct {
	subject      string
	began, tried time.Time
	why          error
}

func (c *calls) begin(subject string) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = make(map[*call]struct{})
	}
	now := time.Now()
	one := &call{subject: subject, began: now, tried: now}
	c.open[one] = struct{}{}
	return one
}

// try takes the outcome of one attempt.
func (c *calls) try(one *call, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one.tried = time.Now()
	if one.why = err; err == nil {
		c.answered = one.tried
	}
}

func (c *calls) end(one *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, one)
}

// Health tells how calls fare now. A call waits if an attempt failed, or took longer than any good one does.
func (c *Client) Health() Health {
	good := c.cfg.FetchMaxWait + dialTimeout
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	h := Health{Answered: c.calls.answered}
	for one := range c.calls.open {
		waited := time.Since(one.began)
		if one.why == nil && waited < good {
			continue
		}
		h.Stuck = max(h.Stuck, time.Since(one.tried))
		if waited > h.Waiting {
			h.Waiting, h.For, h.Why = waited, one.subject, explain(one.why)
		}
	}
	return h
}
