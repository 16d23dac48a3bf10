package world

import "time"

// conditions are what faults make of a population's paths at one moment.
type conditions struct {
	legs     legs
	lastMile float64                     // factor
	down     [PathCount]failures         // by path
	splits   [PathCount]chance           // by path: of a run to have the factor on its way to the near end
	tails    [PathCount][maxTails]chance // by path: of a request to have the factor on all of it; at most one hits
}

// failures are the shares of a path's requests that fail, by how.
type failures struct{ timeout, gateway float64 }

// chance is a factor that applies with some probability.
type chance struct{ share, factor float64 }

// maxTails is how many tails a scenario may have: enough to step along a heavy one.
const maxTails = 4

// conditions returns those of p at t ms since the scenario's start.
func (w *World) conditions(p *Population, t int64) conditions {
	c := conditions{legs: p.legs, lastMile: 1}
	tails := 0
	for i := range w.scenario.Faults {
		f := &w.scenario.Faults[i]
		tail := tails
		if f.Kind == Tail {
			tails++
		}
		if !f.holds(t) || !f.touches(p) {
			continue
		}
		switch f.Kind {
		case Outage:
			f.fail(p, &c)
		case Congestion:
			f.congest(p, &c, f.factorAt(w.scenario.Start.UnixMilli()+t))
		case Route:
			c.legs = c.legs.toNearEnd(pathNumber(f.Path), f.Factor)
		case Split:
			c.splits[pathNumber(f.Path)] = chance{f.Share, f.Factor}
		case Tail:
			for path := range c.tails {
				if f.on(path) {
					c.tails[path][tail] = chance{f.Share, f.Factor}
				}
			}
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
	if f.clients(p) || f.Region == p.Region {
		raise(&c.down[Direct].timeout)
	}
	if f.clients(p) || f.Edge == p.Edge {
		raise(&c.down[Proxy].timeout)
	}
	if f.Region == p.Origin {
		raise(&c.down[Proxy].gateway)
	}
}

func (f *Fault) congest(p *Population, c *conditions, factor float64) {
	if f.Edge == p.Edge {
		c.legs.edge = float64(c.legs.edge * factor)
	}
	if f.Region == p.Region {
		c.legs.direct = float64(c.legs.direct * factor)
	}
	if f.Region == p.Origin {
		c.legs.middle = float64(c.legs.middle * factor)
	}
	if f.clients(p) {
		c.lastMile = float64(c.lastMile * factor)
	}
}

// diurnalStep is how long congestion that follows the day stays as it is.
const diurnalStep = 15 * time.Minute

// factorAt returns the factor at ms since the Unix epoch.
func (f *Fault) factorAt(ms int64) float64 {
	if f.Width == 0 {
		return f.Factor
	}
	const day, step = int64(24 * time.Hour / time.Millisecond), int64(diurnalStep / time.Millisecond)
	middle := ms%day/step*step + step/2
	off := max(middle-f.Peak.Milliseconds(), f.Peak.Milliseconds()-middle)
	off = min(off, day-off)
	rise := max(0, 1-float64(off)/float64(f.Width.Milliseconds()))
	return 1 + float64((f.Factor-1)*rise)
}
