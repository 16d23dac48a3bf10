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

// set puts a resolver on a path, and tells whether it was on another.
func (r *rule) set(resolver int, path uint8) bool {
	if r.paths[resolver] == path {
		return false
	}
	r.paths[resolver] = path
	r.total++
	r.changes[resolver]++
	r.most = max(r.most, r.changes[resolver])
	return true
}

// day begins another day.
func (r *rule) day() { clear(r.changes) }

// figures of the changes, over a number of days.
func (r *rule) figures(days float64, f *Figures) {
	f[ChangesPerDay] = float64(r.total) / float64(len(r.paths)) / days
	f[ChangesMost] = float64(r.most)
}

// flipped is the share of the attacked resolvers that are on another path here than in a world without lies, and the
// share of those for whose users that is slower than the path there.
func (r *rule) flipped(l *Layout, honest *rule, truth costs) (all, harmed float64) {
	for _, i := range l.Attacked {
		if r.paths[i] == honest.paths[i] {
			continue
		}
		all++
		var before, after float64
		for _, s := range l.Resolvers[i].Shares {
			before += s.Weight * truth[s.Population][honest.paths[i]].mixed
			after += s.Weight * truth[s.Population][r.paths[i]].mixed
		}
		if after > (1+harmShare)*before {
			harmed++
		}
	}
	n := float64(len(l.Attacked))
	return share(all, n), share(harmed, n)
}
