package ingest

import (
	"detour/schemas"
	"detour/schemas/control"
)

// quorum is how many records settle a question of time, where no heartbeat does.
const quorum = 4096

// scout knows the times of records that the machine has not come to yet. It keeps one bad clock from moving a mark, and
// a gap, or a mark that is wrong, from holding it for ever: where a record contradicts the mark (there is none yet, or
// the record is more than max_ahead ahead of it, or more than max_age behind) the records from there on decide.
//
//  1. They vote one after the other: on a record ahead of the mark, those not behind that record by more than the lateness
//     are for it; on one too old, those that are too old as well are for it; without a mark all are.
//  2. When as many are against it as for it, the mark stands. Until then they go on, up to a quorum or the next heartbeat.
//  3. A heartbeat is a clock. By it, nothing more than max_ahead beyond it or a month behind it is true, and a mark that
//     may be true stands against whatever is behind it.
//  4. What won ahead is the new mark. In place of no mark, or of one that lost to what is behind it, comes the least time
//     of the body that more than half of the voters make, or else of all of them.
//  5. The new mark is there before the record is placed. So the answer is a function of the mark and of the log from the
//     record on, and a machine that starts anew at the record finds the same.
type scout struct {
	quorum int     // voters at most
	seen   []sight // from the record in question on
	next   int64   // offset behind what was seen
	out    bool    // on its way: the machine reads on at next, and comes back to the record when that is settled
}

// sight is what of a record counts here.
type sight struct {
	offset, time int64
	beat         bool
}

// look notes the records from offset at on, which were read up to next.
func (s *scout) look(at int64, records []schemas.Record, next int64, g *control.Genesis) {
	if s.next <= at {
		s.seen, s.next = s.seen[:0], at
	}
	for len(s.seen) > 0 && s.seen[0].offset < at {
		s.seen = s.seen[1:]
	}
	if next <= s.next {
		return
	}
	for i := range records {
		r := &records[i]
		if _, lost := unreadable(r); r.Offset >= s.next && g.Possible(r.Time) && !lost {
			_, beat := r.Header(schemas.HeartbeatHeader)
			s.seen = append(s.seen, sight{r.Offset, r.Time, beat})
		}
	}
	s.next = next
}

// settle returns the mark before the first record that was seen, which contradicts c's; false if it takes more of the
// log to say.
func (s *scout) settle(c *Checkpoint, g *control.Genesis) (mark int64, ok bool) {
	first := s.seen[0].time
	if c.Heard && first > c.Mark {
		p := s.poll(func(ms int64) bool { return ms >= first-g.Lateness })
		if _, latest := p.limits(g); p.won && first <= latest {
			return first, true
		}
		return c.Mark, p.ended
	}
	p := s.poll(func(ms int64) bool { return !c.Heard || c.tooOld(ms, g) })
	if _, latest := p.limits(g); !p.won || c.Heard && p.beat && c.Mark <= latest {
		return c.Mark, p.ended
	}
	if mark, ok := p.body(g); ok {
		return mark, true
	}
	if c.Heard {
		return c.Mark, true
	}
	return p.clock, true
}
