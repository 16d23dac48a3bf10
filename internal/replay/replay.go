// Package replay works on a log as a whole: Feed fills one with recorded or simulated reports, Derive makes the map
// versions of one again.
//
// Feed gives each report the time at which it was collected, and ends with a heartbeat in every partition at the declared
// end: a backfill is complete, and says so in the log. Derive appends nothing.
package replay

import (
	"context"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sync/errgroup"

	"detour/internal/dataflow"
	"detour/schemas"
)

// Batches are cut at either limit. A partition's queue holds one batch besides the one in flight.
const (
	batchBytes   = 512 << 10
	batchRecords = 1000
)

// Report is one report as its collector saw it.
type Report struct {
	Partition int32
	Time      int64 // ms
	Value     []byte
}

// Feed replays reports.
type Feed struct {
	Log     dataflow.Log
	Reports iter.Seq[Report] // in order of time
	End     int64            // ms: the time of the last heartbeats
	// Live moves the replay to now and paces it: report times count from the start of the feed. Otherwise reports keep
	// their times and go as fast as the log takes them.
	Live bool
	// Progress, if set, is called with the number of reports handed to the log so far.
	Progress func(sent int64)
}

// Run appends all reports and the heartbeats. It returns how many reports were sent.
func (f *Feed) Run(ctx context.Context) (sent int64, err error) {
	n, err := f.Log.Partitions(ctx, schemas.Reports)
	if err != nil {
		return 0, fmt.Errorf("partitions of %s: %w", schemas.Reports, err)
	}
	g, ctx := errgroup.WithContext(ctx)
	queues := make([]chan []schemas.Record, n)
	for i := range queues {
		queue := make(chan []schemas.Record, 1)
		queues[i] = queue
		g.Go(func() error { return f.send(ctx, queue) })
	}
	g.Go(func() error {
		for _, queue := range queues {
			defer close(queue)
		}
		var err error
		sent, err = f.fill(ctx, queues)
		return err
	})
	err = g.Wait()
	return sent, err
}

// send appends a partition's batches.
func (f *Feed) send(ctx context.Context, queue <-chan []schemas.Record) error {
	for batch := range queue {
		if _, err := f.Log.Append(ctx, batch[0].Partition, batch); err != nil {
			return fmt.Errorf("append to %s: %w", batch[0].Partition, err)
		}
	}
	return nil
}

// fill sorts reports into batches by partition.
func (f *Feed) fill(ctx context.Context, queues []chan []schemas.Record) (sent int64, err error) {
	open := make([]batch, len(queues))
	clock := clock{live: f.Live}
	flush := func(i int) error {
		records := open[i].records
		open[i] = batch{}
		select {
		case queues[i] <- records:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for r := range f.Reports {
		i := int(r.Partition) % len(queues)
		p := schemas.Partition{Topic: schemas.Reports, Number: int32(i)}
		at, err := clock.reach(ctx, r.Time)
		if err != nil {
			return sent, err
		}
		open[i].add(schemas.Record{Partition: p, Time: at, Value: r.Value})
		if open[i].full() || f.Live {
			if err := flush(i); err != nil {
				return sent, err
			}
		}
		if sent++; f.Progress != nil {
			f.Progress(sent)
		}
	}
	end, err := clock.reach(ctx, f.End)
	if err != nil {
		return sent, err
	}
	for i := range open {
		open[i].add(schemas.Heartbeat(schemas.Partition{Topic: schemas.Reports, Number: int32(i)}, end))
		if err := flush(i); err != nil {
			return sent, err
		}
	}
	return sent, nil
}

// batch is what gathers for one append.
type batch struct {
	records []schemas.Record
	bytes   int
}

func (b *batch) add(r schemas.Record) {
	b.records = append(b.records, r)
	b.bytes += len(r.Value)
}

func (b *batch) full() bool { return b.bytes >= batchBytes || len(b.records) >= batchRecords }

// clock maps the times of the recording to times of the log.
type clock struct {
	live  bool
	begun bool
	shift int64 // ms from recording to log
}

// reach returns the log's time for a recorded one; live, it waits until then.
func (c *clock) reach(ctx context.Context, ms int64) (int64, error) {
	if !c.live {
		return ms, ctx.Err()
	}
	if !c.begun {
		c.begun, c.shift = true, time.Now().UnixMilli()-ms
	}
	at := ms + c.shift
	select {
	case <-time.After(time.Until(time.UnixMilli(at))):
		return at, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
