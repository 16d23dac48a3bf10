// Package memlog is a dataflow.Log in memory: for tests, and for tools that run a pipeline inside one process and keep
// nothing. It promises what the interface does and nothing of durability. Values are copied on the way in and shared on
// the way out: readers must not write to them.
package memlog

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"detour/internal/dataflow"
	"detour/schemas"
)

// Wait is how long a fetch at the end waits for a record; MaxFetch is the most records that one fetch returns, so that
// readers meet the ends of reads as they do with a real log.
const (
	Wait     = 50 * time.Millisecond
	MaxFetch = 500
)

// Log holds partitions of records. Its methods may be called from several goroutines.
type Log struct {
	now func() time.Time

	mu         sync.Mutex
	partitions map[schemas.Topic][]*partition
}

type partition struct {
	start   int64 // offset of records[0]
	records []schemas.Record
	grown   chan struct{} // closed by the next append
}

func (p *partition) end() int64 { return p.start + int64(len(p.records)) }

var _ dataflow.Log = (*Log)(nil)

// New returns an empty log with so many partitions by topic. A record with Time 0 gets the wall clock's time.
func New(partitions map[schemas.Topic]int) *Log {
	l := &Log{now: time.Now, partitions: make(map[schemas.Topic][]*partition)}
	for topic, n := range partitions {
		for range n {
			l.partitions[topic] = append(l.partitions[topic], &partition{grown: make(chan struct{})})
		}
	}
	return l
}

// All returns an empty log with every topic of the flow, of which reports, samples and windows have n partitions.
func All(n int) *Log {
	return New(map[schemas.Topic]int{
		schemas.Control: 1, schemas.Reports: n, schemas.Samples: n, schemas.Windows: n,
		schemas.Decisions: 1, schemas.Maps: 1, schemas.Rejects: 1,
	})
}

// Fetch implements dataflow.Log.
func (l *Log) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	f, grown, err := l.read(p, offset)
	if err != nil || len(f.Records) > 0 {
		return f, err
	}
	timer := time.NewTimer(Wait)
	defer timer.Stop()
	select {
	case <-grown:
	case <-timer.C:
	case <-ctx.Done():
		return f, ctx.Err()
	}
	f, _, err = l.read(p, offset)
	return f, err
}

// read takes what there is, and a channel that the next append closes.
func (l *Log) read(p schemas.Partition, offset int64) (dataflow.Fetched, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	part, err := l.find(p)
	if err != nil {
		return dataflow.Fetched{}, nil, err
	}
	f := dataflow.Fetched{Next: offset, Start: part.start, End: part.end()}
	if offset < f.Start || offset > f.End {
		return f, nil, fmt.Errorf("fetch %s@%d, it holds [%d, %d): %w", p, offset, f.Start, f.End, dataflow.ErrOutOfRange)
	}
	rest := part.records[offset-part.start:]
	f.Records = slices.Clone(rest[:min(len(rest), MaxFetch)])
	f.Next += int64(len(f.Records))
	return f, part.grown, nil
}

// Append implements dataflow.Log.
func (l *Log) Append(ctx context.Context, p schemas.Partition, records []schemas.Record) (first int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	part, err := l.find(p)
	if err != nil {
		return 0, err
	}
	first = part.end()
	for i := range records {
		r := clone(&records[i])
		r.Partition, r.Offset = p, part.end()
		if r.Time == 0 {
			r.Time = l.now().UnixMilli()
		}
		part.records = append(part.records, r)
	}
	close(part.grown)
	part.grown = make(chan struct{})
	return first, nil
}

// clone copies what the caller may go on writing to. A nil key or value stays nil: that is a meaning in a log.
func clone(r *schemas.Record) schemas.Record {
	c := *r
	c.Key, c.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
	c.Headers = slices.Clone(r.Headers)
	for i := range c.Headers {
		c.Headers[i].Value = bytes.Clone(c.Headers[i].Value)
	}
	return c
}

// Bounds implements dataflow.Log.
func (l *Log) Bounds(_ context.Context, p schemas.Partition) (start, end int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	part, err := l.find(p)
	if err != nil {
		return 0, 0, err
	}
	return part.start, part.end(), nil
}

// Partitions implements dataflow.Log.
func (l *Log) Partitions(_ context.Context, t schemas.Topic) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.partitions[t])
	if n == 0 {
		return 0, fmt.Errorf("there is no topic %s", t)
	}
	return n, nil
}

// Trim drops the records of p before offset, as retention does.
func (l *Log) Trim(p schemas.Partition, offset int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	part, err := l.find(p)
	if err != nil {
		return err
	}
	if offset < part.start || offset > part.end() {
		return fmt.Errorf("trim %s to %d, it holds [%d, %d): %w", p, offset, part.start, part.end(), dataflow.ErrOutOfRange)
	}
	part.records = slices.Clone(part.records[offset-part.start:])
	part.start = offset
	return nil
}

func (l *Log) find(p schemas.Partition) (*partition, error) {
	parts := l.partitions[p.Topic]
	if p.Number < 0 || int(p.Number) >= len(parts) {
		return nil, fmt.Errorf("there is no partition %s", p)
	}
	return parts[p.Number], nil
}
