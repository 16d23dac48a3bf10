package evaluate

// rule is one way to decide, as it runs: the policy, or a baseline.
type rule struct {
	name    string
	choose  func(*seen) uint8 // nil of the policy, and of who knows the truth
	paths   []uint8           // by resolver, now
	account account
	changes []int32 // by resolver: in the day at hand
	total   int64
	most    int32
}

func newRule(name string, resolvers int, choose func(*seen) uint8) *rule {
	return &rule{name: name, choose: choose, paths: make([]uint8, resolvers), changes: make([]int32, resolvers)}
}

// set puts a resolver on a path.
func (r *rule) set(resolver int, path uint8) {
	if r.paths[resolver] == path {
		return
	}
	r.paths[resolver] = path
	r.total++
	r.changes[resolver]++
	r.most = max(r.most, r.changes[resolver])
}

// day begins another day.
func (r *rule) day() { clear(r.changes) }

// figures of the changes, over a number of days.
func (r *rule) figures(days float64, f *Figures) {
	f[ChangesPerDay] = float64(r.total) / float64(len(r.paths)) / days
	f[ChangesMost] = float64(r.most)
}

// flipped is the share of some resolvers that are on another path here than in a world without lies.
func (r *rule) flipped(attacked []int, honest *rule) float64 {
	n := 0.0
	for _, i := range attacked {
		if r.paths[i] != honest.paths[i] {
			n++
		}
	}
	return share(n, float64(len(attacked)))
}
