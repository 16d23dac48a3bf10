package world

import (
	"slices"
	"time"
)

// Kinds of faults.
const (
	Outage     = "outage"     // requests through a place fail
	Congestion = "congestion" // round trips to a place take longer
	Route      = "route"      // clients get another way to the near end of one path
	Tail       = "tail"       // some requests take far longer
	Split      = "split"      // some runs get another way to the near end of one path
	Poison     = "poison"     // some clients lie about what they measured
)

// Fault is something that goes wrong: at one place or everywhere, for a while or for good.
//
//	outage of an edge          proxied requests time out
//	outage of a region         direct requests time out; proxied ones get 504 from the edge
//	outage of a country, city  both time out: the last mile is gone
//	congestion at an edge      factor on the round trip client-edge
//	congestion at a region     factor on the round trips client-region and edge-region
//	congestion of these        factor on the last mile
//	route on a path            factor on the round trip client-region (direct) or client-edge (proxy)
//	split on a path            the same factor, for a share of the runs: load balancing; of several the last counts
//	tail, on a path or both    factor on all of a request, for a share of the requests; of several at most one hits
//	poison on a path           factor on all that a share of the clients report of it; the truth is as it was
//
// Edge, Region, Country and City name the place, at most one of them; a Country or City is the clients'. Congestion with
// Peak and Width follows the time of day: the factor rises from 1 to its full value at Peak and falls back to 1, linearly
// over Width on each side, in steps of diurnalStep. With Every and Lasting a fault flaps: it holds for the first Lasting of
// each Every since From.
type Fault struct {
	Kind      string        `yaml:"kind"`
	Edge      string        `yaml:"edge"`      // city
	Region    string        `yaml:"region"`    // city
	Country   string        `yaml:"country"`   // ISO code
	City      string        `yaml:"city"`      // of clients
	Path      string        `yaml:"path"`      // direct or proxy; of a tail, "" is both
	From      time.Duration `yaml:"from"`      // since the scenario's start
	To        time.Duration `yaml:"to"`        // 0 is the end
	Every     time.Duration `yaml:"every"`     // flapping: from one beginning to the next; 0 is not flapping
	Lasting   time.Duration `yaml:"lasting"`   // flapping: of it the fault holds so long
	Peak      time.Duration `yaml:"peak"`      // of congestion: time of day, UTC
	Width     time.Duration `yaml:"width"`     // of congestion: from 1 to the peak; 0 is congestion that doesn't follow the day
	Share     float64       `yaml:"share"`     // of requests (outage, where 0 means all; tail), runs (split) or clients (poison)
	Factor    float64       `yaml:"factor"`    // on times
	Resolvers int           `yaml:"resolvers"` // poison: one resolver in so many is attacked; 0 means all
}

// end is when the fault ends in a scenario of that duration.
func (f *Fault) end(duration time.Duration) time.Duration {
	if f.To == 0 {
		return duration
	}
	return f.To
}

// holds says whether the fault is there at t ms since the scenario's start.
func (f *Fault) holds(t int64) bool {
	from := f.From.Milliseconds()
	if t < from || f.To > 0 && t >= f.To.Milliseconds() {
		return false
	}
	return f.Every == 0 || (t-from)%f.Every.Milliseconds() < f.Lasting.Milliseconds()
}

// clients says whether the place is that of the population's own people.
func (f *Fault) clients(p *Population) bool { return f.Country == p.Country || f.City == p.City }

// touches says whether a population's people are at the fault's place or use it, over whichever path.
func (f *Fault) touches(p *Population) bool {
	return f.places() == 0 || f.clients(p) || f.Edge == p.Edge || f.Region == p.Region || f.Region == p.Origin
}

// on says whether the fault is one of that path: of a path that it names, or of both.
func (f *Fault) on(path int) bool { return f.Path == "" || f.Path == pathNames[path] }

// Without returns the scenario without its faults of a kind: of poison, what honest clients would have reported in the
// same world.
func (s Scenario) Without(kind string) Scenario {
	s.Faults = slices.DeleteFunc(slices.Clone(s.Faults), func(f Fault) bool { return f.Kind == kind })
	return s
}
