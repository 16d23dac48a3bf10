package ingest

import (
	"math"
	"slices"

	"detour/schemas/control"
)

// poll is how a vote went.
type poll struct {
	ended, won bool
	voters     []sight
	beat       bool // a heartbeat ended it, which says that it is
	clock      int64
}

// month is how far behind a clock a mark may be found at most, ms: every pane since then is sealed at once.
const month = 30 * 86_400_000

// limits returns the earliest and the latest time that may be true.
func (p *poll) limits(g *control.Genesis) (earliest, latest int64) {
	if !p.beat {
		return math.MinInt64, math.MaxInt64
	}
	return p.clock - month, p.clock + g.MaxAhead
}

// poll lets the records that were seen vote, and says if it takes more of them.
func (s *scout) poll(agrees func(ms int64) bool) poll {
	lead := 0
	for n, x := range s.seen {
		if x.beat {
			return poll{ended: true, won: true, voters: s.seen[:n], beat: true, clock: x.time}
		}
		if agrees(x.time) {
			lead++
		} else {
			lead--
		}
		if lead == 0 {
			return poll{ended: true}
		}
		if n+1 == s.quorum {
			return poll{ended: true, won: true, voters: s.seen[:s.quorum]}
		}
	}
	return poll{}
}

// body returns the least of those times that may be true, follow one another by no more than max_ahead and are more than
// half of all voters; where none do, the least of all that may be true.
func (p *poll) body(g *control.Genesis) (least int64, ok bool) {
	earliest, latest := p.limits(g)
	var times []int64
	for _, v := range p.voters {
		if v.time >= earliest && v.time <= latest {
			times = append(times, v.time)
		}
	}
	slices.Sort(times)
	begin := 0
	for i := range times {
		if i > 0 && times[i]-times[i-1] > g.MaxAhead {
			begin = i
		}
		if 2*(i-begin+1) > len(p.voters) {
			return times[begin], true
		}
	}
	if len(times) == 0 {
		return 0, false
	}
	return times[0], true
}
