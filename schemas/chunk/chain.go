package chunk

// Link is what a whole says of its place among the wholes of its partition: ticks, map versions.
type Link struct {
	Number   int64  // 1 for the first, then without a gap
	Digest   string // of what it means
	Previous string // digest of the whole that it follows, "" for the first
	Full     bool   // it needs no predecessor to be understood: a snapshot
}

// Chain tells a reader which complete wholes to keep, so that all readers keep the same ones although two writers may
// have written at once. A writer reads its own topic back before it goes on; one that lost a race leaves a single whole
// that nothing ever extends. The zero value has kept nothing, and begins where the log does.
//
// Invariants:
//  1. Kept is what follows the last one kept. Of several candidates the first complete one in the log is kept.
//  2. Where the whole after the last one can't be read any more, the next full one is kept: numbers only go up.
//  3. A reader that begins in the middle of a log may begin with the loser of a race. It is sure of its beginning once
//     another whole has extended it, and until then takes a full successor that does not. It stays sure behind a gap:
//     from equal states readers keep equal wholes.
type Chain struct {
	last         Link
	sure, middle bool
}

// ChainFromTheMiddle returns the chain of a reader that does not begin where the log does: even a first whole may be the
// loser of a race there.
func ChainFromTheMiddle() Chain { return Chain{middle: true} }

// ChainFrom returns the chain of a reader that has kept last, and is sure of it. From the zero Link it is the zero value.
func ChainFrom(last Link) Chain { return Chain{last: last, sure: last.Number > 0} }

// Relation is what a whole is to a chain.
type Relation int

// Relations.
const (
	Stray   Relation = iota // not kept: known, the loser of a race, or changes to a whole that is not there
	Next                    // kept: it follows the last one
	Restart                 // kept, and full: what was known before it is void; wholes before it are missing, or it is the first
)

// Offer tells what to do with the next complete whole in the log.
func (c *Chain) Offer(l Link) Relation {
	r := c.relation(l)
	switch r {
	case Next:
		c.sure = true
	case Restart:
		c.sure = c.sure || l.Number == 1 && !c.middle
	case Stray:
		return r
	}
	c.last = l
	return r
}

func (c *Chain) relation(l Link) Relation {
	switch following := l.Number == c.last.Number+1; {
	case c.last.Number > 0 && following && l.Previous == c.last.Digest:
		return Next
	case !l.Full || l.Number <= c.last.Number:
		return Stray
	case c.last.Number > 0 && following && c.sure:
		return Stray // the loser of a race for the place after the last one
	}
	return Restart
}

// Last returns the last whole kept; its Number is 0 before the first.
func (c *Chain) Last() Link { return c.last }

// Sure reports whether what is kept is what every other reader keeps: see invariant 3.
func (c *Chain) Sure() bool { return c.sure }
