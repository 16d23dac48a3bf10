package simulation

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"detour/internal/dataflow"
	"detour/schemas"
)

// kind is what a process asks for.
type kind int

const (
	fetching kind = iota
	appending
	bounding
	counting
	committing
)

func (k kind) String() string {
	return [...]string{"fetch", "append", "bounds", "partitions", "commit"}[k]
}

// op is one call of a process that waits for its answer.
type op struct {
	kind      kind
	proc      *process
	share     int // of the process that asks, 0 for none
	partition schemas.Partition
	offset    int64            // of a fetch or commit
	records   []schemas.Record // of an append: what has not landed yet
	first     int64            // offset of the first one that landed
	begun     bool             // some of them have landed
	landed    bool             // it is in the log, its writer does not know yet
	commit    *commitment
	reply     chan reply
}

type reply struct {
	fetched    dataflow.Fetched
	start, end int64
	n          int
	err        error
}

var (
	errBroker = errors.New("simulated: the broker did not answer")
	errDead   = errors.New("simulated: the process is dead")
)

// call asks the scheduler and waits. A call whose context ends is answered by the context; an append may still land then.
func (s *simulation) call(ctx context.Context, o *op) reply {
	if err := ctx.Err(); err != nil {
		return reply{err: err}
	}
	o.reply = make(chan reply, 1)
	o.share, _ = ctx.Value(shareKey{}).(int)
	s.mu.Lock()
	if o.proc.dead {
		s.mu.Unlock()
		return reply{err: errDead}
	}
	s.pending = append(s.pending, o)
	s.mu.Unlock()
	select {
	case r := <-o.reply:
		return r
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.pending = slices.DeleteFunc(s.pending, func(other *op) bool { return other == o })
		if o.kind == appending {
			s.orphans = append(s.orphans, o)
		}
		return reply{err: ctx.Err()}
	}
}

// waiting returns the calls that wait, in an order that does not depend on which goroutine came first.
func (s *simulation) waiting() []*op {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(s.pending, compareOps)
	return slices.Clone(s.pending)
}

func compareOps(a, b *op) int {
	return cmp.Or(
		cmp.Compare(a.proc.id, b.proc.id), cmp.Compare(a.share, b.share), cmp.Compare(a.partition.Topic, b.partition.Topic),
		cmp.Compare(a.partition.Number, b.partition.Number), cmp.Compare(a.kind, b.kind), cmp.Compare(a.offset, b.offset),
		cmp.Compare(len(a.records), len(b.records)),
	)
}

// finish answers a call.
func (s *simulation) finish(o *op, r reply) {
	s.mu.Lock()
	s.pending = slices.DeleteFunc(s.pending, func(other *op) bool { return other == o })
	s.mu.Unlock()
	o.reply <- r
}

// processLog is the log as one process sees it.
type processLog struct {
	s *simulation
	p *process
}

var _ dataflow.Log = processLog{}

// Fetch implements dataflow.Log.
func (l processLog) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	r := l.s.call(ctx, &op{kind: fetching, proc: l.p, partition: p, offset: offset})
	return r.fetched, r.err
}

// Append implements dataflow.Log.
func (l processLog) Append(ctx context.Context, p schemas.Partition, records []schemas.Record) (int64, error) {
	r := l.s.call(ctx, &op{kind: appending, proc: l.p, partition: p, records: records})
	return r.start, r.err
}

// Bounds implements dataflow.Log.
func (l processLog) Bounds(ctx context.Context, p schemas.Partition) (start, end int64, err error) {
	r := l.s.call(ctx, &op{kind: bounding, proc: l.p, partition: p})
	return r.start, r.end, r.err
}

// Partitions implements dataflow.Log.
func (l processLog) Partitions(ctx context.Context, t schemas.Topic) (int, error) {
	r := l.s.call(ctx, &op{kind: counting, proc: l.p, partition: schemas.Partition{Topic: t}})
	return r.n, r.err
}
