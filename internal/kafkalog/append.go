package kafkalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"detour/schemas"
)

// ErrTooLarge is in the error of an append whose batch is above the topic's max.message.bytes.
var ErrTooLarge = errors.New("batch too large")

// Append implements dataflow.Log. Calls for different partitions run side by side, those for one partition one after
// the other. A record keeps its Time; where that is 0 it gets the time of the call, which is how internal topics carry
// append time. If ctx ends first, the batch may or may not be in the log.
func (c *Client) Append(ctx context.Context, p schemas.Partition, records []schemas.Record) (int64, error) {
	if len(records) == 0 {
		return 0, fmt.Errorf("append to %s: no records", p)
	}
	release, err := c.writers.acquire(ctx, p)
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", p, err)
	}
	var (
		now   = time.Now()
		first int64
		wait  time.Duration // before the broker wants to hear of the next append
	)
	defer func() { c.releaseAfter(wait, release) }()
	err = c.retry(ctx, p.String(), func(ctx context.Context) (err error) {
		first, wait, err = c.produce(ctx, p, records, now)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("append to %s: %w", p, c.needsOn(err, "Write", p.Topic))
	}
	return first, nil
}

// releaseAfter lets the next append into a partition, at once where the broker does not throttle.
func (c *Client) releaseAfter(throttle time.Duration, release func()) {
	if throttle <= 0 {
		release()
		return
	}
	time.AfterFunc(c.still(throttle), release)
}

func (c *Client) produce(ctx context.Context, p schemas.Partition, records []schemas.Record, now time.Time) (first int64, throttle time.Duration, err error) {
	res, err := c.kafka.Produce(ctx, &kafka.ProduceRequest{
		Topic:        c.names.Of(p.Topic),
		Partition:    int(p.Number),
		RequiredAcks: kafka.RequireAll,
		Records:      &unsent{records: records, now: now},
		Compression:  compressions[c.cfg.Compression],
	})
	if err != nil {
		return 0, 0, err
	}
	switch {
	case errors.Is(res.Error, kafka.MessageSizeTooLarge), errors.Is(res.Error, kafka.RecordListTooLarge):
		return 0, 0, fmt.Errorf("%w: %d records of %d bytes before compression exceed max.message.bytes of topic %s: %w",
			ErrTooLarge, len(records), size(records), c.names.Of(p.Topic), res.Error)
	case res.Error != nil && len(res.RecordErrors) > 0:
		i := slices.Min(slices.Collect(maps.Keys(res.RecordErrors)))
		return 0, 0, fmt.Errorf("%w: %d of %d records refused, the first is record %d: %w",
			res.Error, len(res.RecordErrors), len(records), i, res.RecordErrors[i])
	}
	return res.BaseOffset, res.Throttle, res.Error
}

// size is what records weigh uncompressed, without the few bytes of framing.
func size(records []schemas.Record) int {
	n := 0
	for _, r := range records {
		n += len(r.Key) + len(r.Value)
		for _, h := range r.Headers {
			n += len(h.Key) + len(h.Value)
		}
	}
	return n
}

// unsent reads records to kafka-go, which wants each only until it asks for the next: one buffer serves them all.
type unsent struct {
	records    []schemas.Record
	now        time.Time
	record     kafka.Record
	key, value payload
}

func (b *unsent) ReadRecord() (*kafka.Record, error) {
	if len(b.records) == 0 {
		return nil, io.EOF
	}
	r := &b.records[0]
	b.records = b.records[1:]
	b.record = kafka.Record{Time: b.now, Key: b.key.of(r.Key), Value: b.value.of(r.Value)}
	if r.Time != 0 {
		b.record.Time = time.UnixMilli(r.Time)
	}
	if len(r.Headers) > 0 {
		b.record.Headers = make([]kafka.Header, len(r.Headers))
		for i, h := range r.Headers {
			b.record.Headers[i] = kafka.Header{Key: h.Key, Value: h.Value}
		}
	}
	return &b.record, nil
}

// payload is a kafka.Bytes that can be used again.
type payload struct{ bytes.Reader }

func (p *payload) Close() error { return nil }

// of points p at b; nil stays null.
func (p *payload) of(b []byte) kafka.Bytes {
	if b == nil {
		return nil
	}
	p.Reset(b)
	return p
}

// writers lets one append at a time into each partition.
type writers struct {
	mu    sync.Mutex
	slots map[schemas.Partition]chan struct{}
}

// acquire waits for p to be free, or for ctx.
func (w *writers) acquire(ctx context.Context, p schemas.Partition) (release func(), err error) {
	w.mu.Lock()
	slot, ok := w.slots[p]
	if !ok {
		if w.slots == nil {
			w.slots = make(map[schemas.Partition]chan struct{})
		}
		slot = make(chan struct{}, 1)
		w.slots[p] = slot
	}
	w.mu.Unlock()
	select {
	case slot <- struct{}{}:
		return func() { <-slot }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
