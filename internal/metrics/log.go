package metrics

import (
	"context"
	"time"

	"detour/internal/dataflow"
	"detour/schemas"
)

// watchedLog is a log as one stage uses it.
type watchedLog struct {
	dataflow.Log
	stage *Stage
}

// Log returns the log to hand to the stage: it counts what is read and appended, and tells what appended records say.
func (st *Stage) Log(log dataflow.Log) dataflow.Log { return &watchedLog{log, st} }

// Fetch implements dataflow.Log.
func (l *watchedLog) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	defer turn(ctx)()
	f, err := l.Log.Fetch(ctx, p, offset)
	if err != nil {
		return f, err
	}
	l.stage.read(p, len(f.Records), f.Next, f.End)
	if len(f.Records) == 1 {
		if _, lost := f.Records[0].Unreadable(); lost {
			l.Lost(p, f.Next-f.Records[0].Offset)
		}
	}
	return f, nil
}

// Append implements dataflow.Log.
func (l *watchedLog) Append(ctx context.Context, p schemas.Partition, records []schemas.Record) (int64, error) {
	defer turn(ctx)()
	began := time.Now()
	first, err := l.Log.Append(ctx, p, records)
	if err != nil {
		return first, err
	}
	topic := string(p.Topic)
	l.stage.set.appendTime.WithLabelValues(topic).Observe(time.Since(began).Seconds())
	l.stage.set.appended.WithLabelValues(topic).Add(float64(len(records)))
	l.stage.set.appendedBytes.WithLabelValues(topic).Add(float64(size(records)))
	l.stage.set.written(p.Topic, records)
	return first, nil
}

// Bounds implements dataflow.Log.
func (l *watchedLog) Bounds(ctx context.Context, p schemas.Partition) (start, end int64, err error) {
	defer turn(ctx)()
	start, end, err = l.Log.Bounds(ctx, p)
	if err == nil {
		l.stage.ended(p, end)
	}
	return start, end, err
}

// Partitions implements dataflow.Log.
func (l *watchedLog) Partitions(ctx context.Context, t schemas.Topic) (int, error) {
	defer turn(ctx)()
	return l.Log.Partitions(ctx, t)
}

// Lost counts records that their reader will never see: see dataflow.Lost.
func (l *watchedLog) Lost(p schemas.Partition, n int64) {
	l.stage.set.lost.WithLabelValues(string(p.Topic)).Add(float64(n))
}

// size is what records weigh before compression, without framing.
func size(records []schemas.Record) (n int) {
	for i := range records {
		r := &records[i]
		n += len(r.Key) + len(r.Value)
		for _, h := range r.Headers {
			n += len(h.Key) + len(h.Value)
		}
	}
	return n
}
