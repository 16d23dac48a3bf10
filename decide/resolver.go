package decide

import (
	"cmp"
	"net/netip"
	"slices"

	"detour/schemas/decision"
	"detour/schemas/window"
)

// resolver is what is known of one resolver: evidence, and where its users are sent.
type resolver struct {
	address netip.Addr
	series  []series  // by key
	heard   int64     // the newest pane with a window of it
	lately  []attempt // see outages
	home    *group    // likewise

	populations []population // with paired ratios, as the last tick saw them
	unseen      []float64    // by candidate: share of the users that none of them speaks for

	path      uint8 // see decision.Decision, as all that follows
	about     uint8 // its candidate: where the reason is a path that is down, that one or the one instead
	reason    decision.Reason
	since     int64
	penalty   uint32
	failovers uint32
	exception uint8
	known     bool // a tick has said so
	gone      bool // it has left: see evidence.settle
}

func (r *resolver) stay() stay {
	return stay{path: r.path, reason: r.reason, since: r.since, penalty: r.penalty}
}

// experienced reports whether r has paired ratios of whole epochs.
func (r *resolver) experienced(usual uint8, a *ageing) bool {
	for i := range r.series {
		if s := &r.series[i]; s.key.path() != usual && len(s.shape) > 0 && a.age(s.shape[0]) > 0 {
			return true
		}
	}
	return false
}

// maxCells is how many cells of a resolver are looked at on their own. Who reports a made-up network in every run costs
// everybody else little that way.
const maxCells = 64

// at returns the resolver's series of k in an epoch, a new one where there was none. What is beyond maxCells in one epoch
// goes to the cell of all others: a rule that looks at nothing before the epoch, so that a machine that begins with it
// finds the same.
func (r *resolver) at(k key, epoch uint16) *series {
	i, found := r.find(k)
	if (!found || r.series[i].newest != epoch) && !k.cell().Other && r.full(k, epoch) {
		k = k.in(window.Cell{Other: true})
		i, found = r.find(k)
	}
	if !found {
		r.series = slices.Insert(r.series, i, series{key: k})
	}
	return &r.series[i]
}

func (r *resolver) find(k key) (int, bool) {
	return slices.BinarySearchFunc(r.series, k, func(s series, k key) int { return cmp.Compare(s.key, k) })
}

// full reports whether the epoch has maxCells cells already, none of which is k's.
func (r *resolver) full(k key, epoch uint16) bool {
	if len(r.series) < maxCells {
		return false
	}
	cells, last := 0, key(0)
	for i := range r.series {
		s := &r.series[i]
		if s.newest != epoch || s.key.cell().Other {
			continue
		}
		if s.key.sameCell(k) {
			return false
		}
		if cells == 0 || !s.key.sameCell(last) {
			cells, last = cells+1, s.key
		}
	}
	return cells >= maxCells
}

// expire forgets what is beyond the horizon.
func (r *resolver) expire(a *ageing) {
	r.series = slices.DeleteFunc(r.series, func(s series) bool { return a.over(s.newest) })
	for i := range r.series {
		r.series[i].expire(a)
	}
}
