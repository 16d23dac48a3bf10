package memlog

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"detour/internal/dataflow"
	"detour/schemas"
)

// Group is a consumer group with one member, who gets every partition. It keeps what is committed from one Run to the
// next, and ends with the first error of work instead of joining again.
type Group struct {
	log *Log

	mu        sync.Mutex
	committed map[string]commit // by group and partition
}

type commit struct {
	offset   int64
	metadata string
}

var _ dataflow.Group = (*Group)(nil)

// NewGroup returns a group over a log, in which nothing was committed.
func NewGroup(log *Log) *Group { return &Group{log: log, committed: make(map[string]commit)} }

// Run implements dataflow.Group.
func (g *Group) Run(ctx context.Context, group string, t schemas.Topic, work func(context.Context, dataflow.Assignment) error) error {
	n, err := g.log.Partitions(ctx, t)
	if err != nil {
		return err
	}
	workers, ctx := errgroup.WithContext(ctx)
	for i := range n {
		a := g.assignment(group, schemas.Partition{Topic: t, Number: int32(i)})
		workers.Go(func() error { return work(ctx, a) })
	}
	return workers.Wait()
}

func (g *Group) assignment(group string, p schemas.Partition) dataflow.Assignment {
	key := fmt.Sprint(group, " ", p)
	g.mu.Lock()
	defer g.mu.Unlock()
	a := dataflow.Assignment{Partition: p, Offset: -1}
	if c, ok := g.committed[key]; ok {
		a.Offset, a.Metadata = c.offset, c.metadata
	}
	a.Commit = func(ctx context.Context, offset int64, metadata string) error {
		g.mu.Lock()
		defer g.mu.Unlock()
		if err := ctx.Err(); err != nil {
			return err
		}
		g.committed[key] = commit{offset, metadata}
		return nil
	}
	return a
}
