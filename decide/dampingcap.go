package decide

import (
	"math"
	"sort"

	"detour/schemas/control"
)

// day is 24 hours, ms.
const day = 86_400_000

// MaxMovesPerDay returns how many times latency can change the path of a resolver in any 24 hours of panes of length ms,
// whatever its evidence says: improvements and the ways back together. What reachability changes comes on top, each time
// at most twice: the move, and the way back of who was moved. So do resolvers that nothing is heard of for so long that
// their state is dropped: each time, the way back and a fresh start.
//
// Proof. A pane changes a path once at most, and between two ways back to the default path lies a way off it, so of n
// improvements come at most 2n + 1 changes: it remains to bound n. Let p be the penalty, in real numbers, of who has none
// when the day begins and makes improvements alone. Any other resolver with improvements at the same panes has at least
// p: it may have begun with more, a change that is no improvement takes nothing away, and charge and decayed round up.
// Where it is not suppressed, p would not be, and what it waits since its last change of path is no less. So n is at most
// what p allows. After an improvement at pane t all that is allowed later is allowed after another at t with a lower p:
// suppression ends no later, and p stays lower. So the least p after the nth improvement at each pane, which improvements
// finds from the least after the one before, decides whether there can be another. Its arithmetic rounds down.
func MaxMovesPerDay(p *control.Policy, length int64) int {
	panes := max(1, day/length)
	d := newDamping(&p.Damping)
	hold := int64(max(p.Hold, 1))
	if d.penalty == 0 {
		return int(min(panes, 2*(1+(panes-1)/hold)+1))
	}
	return int(min(panes, 2*d.improvements(panes, hold)+1))
}

// never is the penalty of who could not make that many improvements.
const never = math.MaxUint64

// improvements returns how many there can be in panes, hold of them apart at least.
func (d *damping) improvements(panes, hold int64) (n int64) {
	left := d.fades(max(panes, 1))
	least := make([]uint64, panes) // by pane: penalty after the nth improvement there
	for t := range least {
		least[t] = d.points(uint64(d.penalty) << fine)
	}
	ready := make([]uint64, panes) // by pane: least penalty of who may make another from there on
	for {
		n++
		for t := range ready {
			ready[t] = never
		}
		more := false
		for t, points := range least {
			if points == never {
				continue
			}
			if at := int64(t) + max(hold, d.wait(points, left)); at < panes {
				ready[at] = min(ready[at], faded(points, left[at-int64(t)]))
				more = true
			}
		}
		if !more {
			return n
		}
		lowest := uint64(never)
		for t := range least {
			if lowest != never {
				lowest = faded(lowest, left[1])
			}
			if lowest = min(lowest, ready[t]); lowest == never {
				least[t] = never
			} else {
				least[t] = d.points(lowest + uint64(d.penalty)<<fine)
			}
		}
	}
}

// fine is how many binary digits of a point improvements calculates with.
const fine = 24

func (d *damping) points(p uint64) uint64 { return min(p, uint64(d.ceiling)<<fine) }

// fades returns what is left of 1 after 0, 1, 2... panes, in 1/one, a little below the truth.
func (d *damping) fades(panes int64) []uint64 {
	list := make([]uint64, panes+1)
	for i := range list {
		n := int64(i)
		f := fading(n%d.half, d.half) >> min(n/d.half, 63)
		list[i] = f - f>>31
	}
	return list
}

// faded returns points*f/one, rounded down.
func faded(points, f uint64) uint64 { return max(scaled(points, f), 1) - 1 }

// wait returns after how many panes a penalty does not suppress any more.
func (d *damping) wait(points uint64, left []uint64) int64 {
	if points < uint64(d.suppress)<<fine {
		return 0
	}
	reusable := sort.Search(len(left), func(i int) bool { return faded(points, left[i]) < uint64(d.reuse)<<fine })
	return min(int64(reusable), d.longest)
}
