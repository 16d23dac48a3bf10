package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"detour/internal/dataflow"
	"detour/schemas"
)

// logAppendTime is the bit of a batch's attributes that says: the broker set the time.
const logAppendTime protocol.Attributes = 1 << 3

var errLogAppendTime = errors.New("the topic has message.timestamp.type=LogAppendTime, but event time is the time that " +
	"the collector set: set it to CreateTime")

// Fetch implements dataflow.Log. It waits at most the configured fetch_max_wait for the first record.
func (c *Client) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	var f dataflow.Fetched
	err := c.retry(ctx, p.String(), func(ctx context.Context) (err error) {
		f, err = c.fetch(ctx, p, offset)
		return err
	})
	if err != nil {
		return f, fmt.Errorf("fetch %s@%d: %w", p, offset, err)
	}
	return f, nil
}

func (c *Client) fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	if offset < 0 { // kafka-go would take -1 for "the end" and -2 for "the start"
		return c.outOfRange(ctx, p, offset)
	}
	res, err := c.kafka.Fetch(ctx, &kafka.FetchRequest{
		Topic:     c.names.Of(p.Topic),
		Partition: int(p.Number),
		Offset:    offset,
		MinBytes:  1,
		MaxBytes:  int64(c.cfg.FetchMaxBytes),
		MaxWait:   c.cfg.FetchMaxWait,
	})
	if err == nil {
		err = res.Error
	}
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return c.outOfRange(ctx, p, offset)
	}
	if err != nil {
		return dataflow.Fetched{}, err
	}
	f := dataflow.Fetched{Next: offset, Start: res.LogStartOffset, End: res.HighWatermark}
	stream, ok := res.Records.(*protocol.RecordStream)
	if !ok {
		return f, nil // an answer without batches
	}
	for _, batch := range stream.Records {
		if err := readBatch(&f, p, offset, batch); err != nil {
			return dataflow.Fetched{}, err
		}
	}
	return f, nil
}

// outOfRange says what the partition holds instead of offset. Where it does hold offset now, the broker had answered
// before it knew its log: ask again.
func (c *Client) outOfRange(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	start, end, err := c.bounds(ctx, p)
	if err != nil {
		return dataflow.Fetched{}, err
	}
	if start <= offset && offset <= end {
		return dataflow.Fetched{}, kafka.OffsetNotAvailable
	}
	f := dataflow.Fetched{Next: offset, Start: start, End: end}
	return f, fmt.Errorf("%w: the log holds %d to %d", dataflow.ErrOutOfRange, start, end)
}

// readBatch adds the records of a batch from offset on to f and moves f.Next past the batch.
func readBatch(f *dataflow.Fetched, p schemas.Partition, offset int64, batch protocol.RecordReader) error {
	keep := true
	switch b := batch.(type) {
	case *protocol.ControlBatch:
		keep = false
		f.Next = max(f.Next, b.BaseOffset) + 1
	case *protocol.RecordBatch:
		if p.Topic == schemas.Reports && b.Attributes&logAppendTime != 0 {
			return errLogAppendTime
		}
		// Even where it is empty: then it covers f.Next, which holds no record.
		f.Next = max(f.Next, b.BaseOffset) + 1
	}
	for {
		r, err := batch.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read batch: %w", err)
		}
		f.Next = max(f.Next, r.Offset+1)
		record, err := convert(p, r)
		if err != nil {
			return fmt.Errorf("read record %d: %w", r.Offset, err)
		}
		if keep && r.Offset >= offset {
			f.Records = append(f.Records, record)
		}
	}
}

// convert copies a record out of kafka-go's pages and gives them back.
func convert(p schemas.Partition, r *protocol.Record) (schemas.Record, error) {
	record := schemas.Record{Partition: p, Offset: r.Offset, Time: r.Time.UnixMilli()}
	var err error
	if record.Key, err = take(r.Key); err != nil {
		return record, err
	}
	if record.Value, err = take(r.Value); err != nil {
		return record, err
	}
	if len(r.Headers) > 0 {
		record.Headers = make([]schemas.Header, len(r.Headers))
		for i, h := range r.Headers {
			record.Headers[i] = schemas.Header{Key: h.Key, Value: h.Value}
		}
	}
	return record, nil
}

// take returns the bytes, nil for null.
func take(b protocol.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	defer b.Close()
	return protocol.ReadAll(b)
}
