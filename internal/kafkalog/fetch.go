package kafkalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"detour/internal/dataflow"
	"detour/schemas"
)

var errLogAppendTime = errors.New("the topic has message.timestamp.type=LogAppendTime, but event time is the time that " +
	"the collector set: set it to CreateTime")

// Fetch implements dataflow.Log. It waits at most the configured fetch_max_wait for the first record.
//
// It reads what is committed: records of a transaction that was aborted don't count, and those of one that is open come
// when it is committed. Until then nothing behind it comes either, and a log line says so.
//
// A batch that was damaged where it is stored does not come back: in its place is one record without a value, the first
// offset that is lost and schemas.UnreadableHeader, which says why and how many. Next is behind the batch.
func (c *Client) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	var f dataflow.Fetched
	err := c.retry(ctx, p.String(), func(ctx context.Context) (err error) {
		f, err = c.fetch(ctx, p, offset)
		return err
	})
	if d, ok := errors.AsType[damage](err); ok {
		f, err = c.passOver(ctx, p, offset, d)
	}
	if err != nil {
		return f, fmt.Errorf("fetch %s@%d: %w", p, offset, c.needsOn(err, "Read", p.Topic))
	}
	return f, nil
}

func (c *Client) fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	if offset < 0 {
		return c.outOfRange(ctx, p, offset)
	}
	a, err := c.ask(ctx, p, offset, c.cfg.FetchMaxBytes)
	switch {
	case errors.Is(err, kafka.OffsetOutOfRange):
		return c.outOfRange(ctx, p, offset)
	case errors.Is(err, kafka.InvalidMessage):
		return dataflow.Fetched{}, damage{why: "the broker calls a batch corrupt"}
	case err != nil:
		return dataflow.Fetched{}, err
	}
	f, err := gather(a, p, offset)
	if err == nil {
		c.open(p, a, f.Next == offset)
	}
	return f, err
}

// open says that an open transaction is waited for, and when that is over.
func (c *Client) open(p schemas.Partition, a *answer, still bool) {
	subject := "the end of a transaction in " + p.String()
	switch {
	case still && a.stable < a.end && len(a.batches) == 0:
		c.waits.log(c.log, subject, fmt.Sprintf("it is open since offset %d of %d", a.stable, a.end))
	case !still:
		c.waits.over(c.log, subject)
	}
}

// gather returns the records of an answer up to the first batch that can't be read. That one alone is an error.
func gather(a *answer, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	g := gathering{
		partition: p,
		offset:    offset,
		fetched:   dataflow.Fetched{Next: offset, Start: a.start, End: a.end},
		aborts:    newAborts(a.aborted),
	}
	for data := a.batches; len(data) > 0 && !g.full(); {
		b, rest, err := parseBatch(data)
		if err == nil {
			err = g.add(&b)
		}
		switch {
		case err == nil:
			data = rest
		case g.fetched.Next > offset: // cut short, as the last one may be, or the next fetch begins with it
			return g.fetched, nil
		case errors.Is(err, errLogAppendTime):
			return dataflow.Fetched{}, err
		default:
			return dataflow.Fetched{}, damage{why: err.Error(), head: headOf(data)}
		}
	}
	return g.fetched, nil
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
