package simulation

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"detour/internal/dataflow"
	"detour/schemas"
)

// group is a consumer group at the coordinator. Its lists are guarded by simulation.mu, the rest is the scheduler's.
type group struct {
	name        string
	topic       schemas.Topic
	members     []*member
	shares      []*share // of all generations, until they end
	generation  int
	rebalanceAt int // step; 0 = not planned
	committed   map[schemas.Partition]dataflow.Assignment
}

// member is one process in a group.
type member struct {
	proc   *process
	ctx    context.Context
	work   func(context.Context, dataflow.Assignment) error
	fatal  chan error
	shares sync.WaitGroup
	joined bool // the coordinator has counted it in
	left   bool
}

// share is a partition in the hands of a member, for one generation. One that was superseded goes on until it is told.
type share struct {
	member     *member
	partition  schemas.Partition
	generation int
	cancel     context.CancelFunc
	cancelAt   int // step; 0 = not superseded
	over       bool
	err        error
}

// shareKey is the key under which the context of a share's work holds the share's number.
type shareKey struct{}

// processGroup is the coordinator as one process sees it.
type processGroup struct {
	s *simulation
	p *process
}

var _ dataflow.Group = processGroup{}

// Run implements dataflow.Group.
func (g processGroup) Run(ctx context.Context, name string, t schemas.Topic, work func(context.Context, dataflow.Assignment) error) error {
	m := &member{proc: g.p, ctx: ctx, work: work, fatal: make(chan error, 1)}
	g.s.mu.Lock()
	at := g.s.groups[name]
	if at == nil {
		at = &group{name: name, topic: t, committed: make(map[schemas.Partition]dataflow.Assignment)}
		g.s.groups[name] = at
	}
	at.members = append(at.members, m)
	g.s.mu.Unlock()
	var err error
	select {
	case <-ctx.Done():
	case err = <-m.fatal:
	}
	g.s.mu.Lock()
	m.left = true
	g.s.mu.Unlock()
	m.shares.Wait()
	return err
}

// commitment is the right to commit of one share.
type commitment struct {
	group    *group
	share    *share
	metadata string
}

var errSuperseded = errors.New("simulated: the group has gone on without this member")

// apply commits, unless the generation is over.
func (c *commitment) apply(offset int64) error {
	if c.share.generation != c.group.generation {
		return errSuperseded
	}
	c.group.committed[c.share.partition] = dataflow.Assignment{Offset: offset, Metadata: c.metadata}
	return nil
}

// coordinate does what the coordinator has to do in a step.
func (s *simulation) coordinate() {
	s.revive()
	s.cfg.Wait() // for new members to join
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		g := s.groups[name]
		s.review(g)
		if g.rebalanceAt > 0 && (g.rebalanceAt <= s.step || s.cfg.Calm) {
			s.rebalance(g)
		}
		for _, sh := range g.shares {
			if sh.cancelAt > 0 && (sh.cancelAt <= s.step || s.cfg.Calm) {
				sh.cancel()
			}
		}
	}
}

// review notices members that came and went, and shares that ended.
func (s *simulation) review(g *group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(g.members, func(a, b *member) int { return a.proc.id - b.proc.id })
	changed := false
	for _, m := range g.members {
		changed = changed || m.left || !m.joined && m.proc.pausedUntil <= s.step
		m.joined = m.joined || m.proc.pausedUntil <= s.step
	}
	g.members = slices.DeleteFunc(g.members, func(m *member) bool { return m.left })
	for _, sh := range g.shares {
		if !sh.over || sh.err == nil || sh.cancelAt > 0 {
			continue
		}
		changed = true
		if fatal := (dataflow.Fatal{}); errors.As(sh.err, &fatal) && !sh.member.proc.dead {
			s.broken = append(s.broken, sh.err)
		}
	}
	g.shares = slices.DeleteFunc(g.shares, func(sh *share) bool { return sh.over })
	if changed && g.rebalanceAt == 0 {
		g.rebalanceAt = s.step + 1 + s.rng.IntN(20)
	}
}

// rebalance begins a generation. Members of the last one are told at once, or some time after others have begun.
func (s *simulation) rebalance(g *group) {
	g.rebalanceAt = 0
	g.generation++
	for _, sh := range g.shares {
		if sh.cancelAt > 0 {
			continue
		}
		sh.cancelAt = max(s.step, sh.member.proc.pausedUntil)
		if !s.cfg.Calm && s.chance(2) {
			s.faults.count("superseded member went on for a while")
			sh.cancelAt = max(s.step, sh.member.proc.pausedUntil) + 1 + s.rng.IntN(60)
		}
	}
	s.mu.Lock()
	members := slices.DeleteFunc(slices.Clone(g.members), func(m *member) bool {
		return !m.joined || m.left || m.proc.dead || m.ctx.Err() != nil
	})
	s.mu.Unlock()
	if len(members) == 0 {
		return
	}
	n, err := s.log.Partitions(context.Background(), g.topic)
	if err != nil {
		s.breach("group %s: %w", g.name, err)
		return
	}
	first := s.rng.IntN(len(members))
	for i := range n {
		s.assign(g, members[(first+i)%len(members)], schemas.Partition{Topic: g.topic, Number: int32(i)})
	}
}

// assign gives a partition to a member.
func (s *simulation) assign(g *group, m *member, p schemas.Partition) {
	s.note("%s: %s gets %s, generation %d", g.name, m.proc, p, g.generation)
	s.assigned++
	ctx, cancel := context.WithCancel(context.WithValue(m.ctx, shareKey{}, s.assigned))
	sh := &share{member: m, partition: p, generation: g.generation, cancel: cancel}
	a, ok := g.committed[p]
	if !ok {
		a.Offset = -1
	}
	a.Partition = p
	a.Commit = func(ctx context.Context, offset int64, metadata string) error {
		c := &commitment{group: g, share: sh, metadata: metadata}
		return s.call(ctx, &op{kind: committing, proc: m.proc, partition: p, offset: offset, commit: c}).err
	}
	s.mu.Lock()
	g.shares = append(g.shares, sh)
	s.mu.Unlock()
	m.shares.Add(1)
	go func() {
		defer m.shares.Done()
		err := m.work(ctx, a)
		s.mu.Lock()
		defer s.mu.Unlock()
		sh.over, sh.err = true, err
		if ctx.Err() != nil {
			sh.err = nil
		}
	}()
}

// evict makes groups go on without a process that was heard of no more. It hears of that later.
func (s *simulation) evict(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.groups)) {
		g := s.groups[name]
		for _, m := range g.members {
			if m.proc == p {
				m.joined = false
				g.rebalanceAt = s.step + 1 + s.rng.IntN(5)
			}
		}
	}
}

func (s *simulation) rebalanceSomeGroup() {
	names := slices.Sorted(maps.Keys(s.groups))
	if len(names) > 0 {
		s.groups[names[s.rng.IntN(len(names))]].rebalanceAt = s.step + 1
	}
}

// unsettled reports whether processes or groups are still about to change.
func (s *simulation) unsettled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.processes {
		if p.over {
			return true
		}
	}
	for _, g := range s.groups {
		if g.rebalanceAt > 0 || slices.ContainsFunc(g.shares, func(sh *share) bool { return sh.cancelAt > 0 }) ||
			slices.ContainsFunc(g.members, func(m *member) bool { return !m.joined }) {
			return true
		}
	}
	return false
}
