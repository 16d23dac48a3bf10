package metrics

import (
	"context"
	"sync"

	"detour/internal/dataflow"
	"detour/schemas"
)

// membership is where a process is in one consumer group.
type membership struct {
	stage    *Stage
	joined   bool
	assigned int
}

// groups are the consumer groups that a process takes part in, by name.
type groups struct {
	mu sync.Mutex
	by map[string]*membership
}

func (g *groups) take(name string, st *Stage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.by == nil {
		g.by = make(map[string]*membership)
	}
	g.by[name] = &membership{stage: st}
}

// Joined takes what a group's member hears: how many partitions it was given in a new generation, -1 when it leaves.
func (s *Set) Joined(group string, partitions int) {
	s.groups.mu.Lock()
	defer s.groups.mu.Unlock()
	m := s.groups.by[group]
	if m == nil {
		return
	}
	m.joined, m.assigned = partitions >= 0, max(0, partitions)
	if m.joined {
		s.generations.WithLabelValues(m.stage.name).Inc()
	}
	sum := 0
	for _, other := range s.groups.by {
		if other.stage == m.stage {
			sum += other.assigned
		}
	}
	s.assigned.WithLabelValues(m.stage.name).Set(float64(sum))
}

// Membership tells whether the process is in every group that a stage asked for, and how many partitions it has there.
func (st *Stage) Membership() (joined bool, assigned int) {
	g := &st.set.groups
	g.mu.Lock()
	defer g.mu.Unlock()
	groups := 0
	joined = true
	for _, m := range g.by {
		if m.stage == st {
			groups++
			joined, assigned = joined && m.joined, assigned+m.assigned
		}
	}
	return joined && groups > 0, assigned
}

// watchedGroup is the groups as one stage uses them.
type watchedGroup struct {
	dataflow.Group
	stage *Stage
}

// Group returns the groups to hand to the stage: work is seen to go round, and what is known of a partition goes with it.
func (st *Stage) Group(g dataflow.Group) dataflow.Group { return &watchedGroup{g, st} }

// Run implements dataflow.Group.
func (g *watchedGroup) Run(ctx context.Context, group string, t schemas.Topic, work func(context.Context, dataflow.Assignment) error) error {
	g.stage.set.groups.take(group, g.stage)
	return g.Group.Run(ctx, group, t, func(ctx context.Context, a dataflow.Assignment) error {
		ctx, end := g.stage.Loop(ctx, a.Partition.String())
		defer end()
		defer g.stage.forget(a.Partition)
		commit := a.Commit
		a.Commit = func(ctx context.Context, offset int64, metadata string) error {
			defer turn(ctx)()
			return commit(ctx, offset, metadata)
		}
		return work(ctx, a)
	})
}
