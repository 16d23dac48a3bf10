package world

import (
	"errors"
	"fmt"
	"time"
)

// Kinds of faults.
const (
	Outage     = "outage"     // requests through the place fail
	Congestion = "congestion" // round trips to the place take longer
)

// Fault is something that goes wrong at one place for a while. Exactly one of Edge, Region and Country names the place.
//
//	outage of an edge        proxied requests time out
//	outage of a region       direct requests time out; proxied ones get 504 from the edge
//	outage of a country      both time out: the last mile is gone
//	congestion at an edge    factor on the round trip client-edge
//	congestion at a region   factor on the round trips client-region and edge-region
//	congestion in a country  factor on the last mile
type Fault struct {
	Kind    string        `yaml:"kind"`
	Edge    string        `yaml:"edge"`    // city
	Region  string        `yaml:"region"`  // city
	Country string        `yaml:"country"` // ISO code
	From    time.Duration `yaml:"from"`    // since the scenario's start
	To      time.Duration `yaml:"to"`
	Share   float64       `yaml:"share"`  // of the requests that an outage hits; 0 means all
	Factor  float64       `yaml:"factor"` // of congestion
}

func (f *Fault) validate(duration time.Duration) error {
	places := 0
	for _, p := range []string{f.Edge, f.Region, f.Country} {
		if p != "" {
			places++
		}
	}
	switch {
	case f.Kind != Outage && f.Kind != Congestion:
		return fmt.Errorf("kind: %q is neither outage nor congestion", f.Kind)
	case places != 1:
		return errors.New("edge, region, country: one of them, and only one, names the place")
	case f.From < 0 || f.To <= f.From || f.To > duration:
		return fmt.Errorf("from, to: %v to %v is not within the duration %v", f.From, f.To, duration)
	case f.Share < 0 || f.Share > 1:
		return fmt.Errorf("share: %g is not between 0 and 1", f.Share)
	case f.Kind == Congestion && !(f.Factor > 0 && f.Factor <= 1000):
		return fmt.Errorf("factor: %g is not between 0 and 1000", f.Factor)
	case f.Kind == Outage && f.Factor != 0:
		return errors.New("factor: an outage has none")
	}
	return nil
}

// conditions are what faults make of a population's paths at one moment.
type conditions struct {
	legs     legs
	lastMile float64             // factor
	down     [PathCount]failures // by path
}

// failures are the shares of a path's requests that fail, by how.
type failures struct{ timeout, gateway float64 }

// conditions returns those of p at t ms since the scenario's start.
func (w *World) conditions(p *Population, t int64) conditions {
	c := conditions{legs: p.legs, lastMile: 1}
	for i := range w.scenario.Faults {
		f := &w.scenario.Faults[i]
		if t < f.From.Milliseconds() || t >= f.To.Milliseconds() {
			continue
		}
		if f.Kind == Outage {
			f.fail(p, &c)
		} else {
			f.congest(p, &c)
		}
	}
	return c
}

func (f *Fault) fail(p *Population, c *conditions) {
	share := f.Share
	if share == 0 {
		share = 1
	}
	raise := func(to *float64) { *to = max(*to, share) }
	if f.Country == p.Country || f.Region == p.Region {
		raise(&c.down[Direct].timeout)
	}
	if f.Country == p.Country || f.Edge == p.Edge {
		raise(&c.down[Proxy].timeout)
	}
	if f.Region == p.Origin {
		raise(&c.down[Proxy].gateway)
	}
}

func (f *Fault) congest(p *Population, c *conditions) {
	if f.Edge == p.Edge {
		c.legs.edge = float64(c.legs.edge * f.Factor)
	}
	if f.Region == p.Region {
		c.legs.direct = float64(c.legs.direct * f.Factor)
	}
	if f.Region == p.Origin {
		c.legs.middle = float64(c.legs.middle * f.Factor)
	}
	if f.Country == p.Country {
		c.lastMile = float64(c.lastMile * f.Factor)
	}
}
