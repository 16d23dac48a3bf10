package decide

import (
	"math"
	"sort"

	"detour/schemas/control"
)

// damping is flap damping after RFC 2439 (Villamizar, Chandra, Govindan, BGP Route Flap Damping, 1998) of one kind of
// event: a move to a better path, which latency asks for. Each adds a penalty (the figure of merit of section 4.2) that
// decays exponentially. When it reaches the cutoff, improvements are suppressed, until it is below the reuse threshold or
// the hold-down has passed since the last change of path. Nothing else is ever suppressed: what reachability asks for,
// and the way back to the default path, are no improvements. Damping routes by the RFC's defaults made the Internet worse
// (Mao et al., Route Flap Damping Exacerbates Internet Routing Convergence, 2002), since it kept reachable routes from use.
//
// A resolver's state is the penalty just after its last change of path, and when that was: the two are in its decision.
// Whether it is suppressed follows from them, since a penalty only grows when the path changes.
type damping struct {
	penalty  uint32 // of one improvement
	suppress uint32 // cutoff threshold
	reuse    uint32 // reuse threshold
	ceiling  uint32 // no penalty is larger
	half     int64  // half-life, panes
	longest  int64  // hold-down, panes
}

func newDamping(p *control.Damping) damping {
	d := damping{
		penalty: uint32(p.Penalty), suppress: uint32(p.Suppress), reuse: uint32(p.Reuse),
		half: int64(max(p.HalfLife, 1)), longest: int64(p.Longest),
	}
	if p.Penalty == 0 { // never reached
		d.suppress, d.reuse = math.MaxUint32, math.MaxUint32
	}
	d.ceiling = d.highest()
	return d
}

// highest returns the penalty that takes the hold-down to decay to the reuse threshold (section 4.2, "ceiling"), or else
// what suppresses at all.
func (d *damping) highest() uint32 {
	const bound = 1 << 30
	halves := (d.longest + d.half - 1) / d.half
	if halves > 30 {
		return bound
	}
	grown := scaled(uint64(d.reuse)<<halves, fading(halves*d.half-d.longest, d.half)) // 2^halves, less the excess over longest
	return uint32(max(uint64(d.suppress), min(grown, bound)))
}

// suppressed reports whether there may be no improvement so many panes after a change of path that left that penalty.
func (d *damping) suppressed(penalty uint32, panes int64) bool {
	return penalty >= d.suppress && panes < d.longest && decayed(penalty, panes, d.half) >= d.reuse
}

// lasts returns for how many panes after the change of path that left it a penalty suppresses improvements.
func (d *damping) lasts(penalty uint32) int64 {
	return int64(sort.Search(int(d.longest), func(n int) bool { return !d.suppressed(penalty, int64(n)) }))
}

// charge returns the penalty after a change of path, so many panes after the last one, which left penalty. Improvements
// add to it. A resolver that is suppressed stays so: its path still changes, so it is no calmer than before.
func (d *damping) charge(penalty uint32, panes int64, improvement bool) uint32 {
	left := decayed(penalty, panes, d.half)
	if d.suppressed(penalty, panes) {
		left = max(left, d.suppress)
	}
	if improvement {
		left += d.penalty
	}
	return min(left, d.ceiling)
}
