package kafkalog

import (
	"bytes"
	"context"
	"errors"

	"github.com/segmentio/kafka-go"

	"detour/internal/dataflow"
	"detour/schemas"
)

// damage is a batch that came as it is on the broker, by TCP's own checksum and in an answer of the right length, and that
// can't be read. It hides what went wrong in its bytes: an end of data in there is no broken connection.
type damage struct {
	why  string
	head []byte // the batch's first bytes, by which it is told from others; nil where the broker itself refuses it
}

func (d damage) Error() string { return d.why }

// headOf returns the beginning of the first batch.
func headOf(batches []byte) []byte { return bytes.Clone(batches[:min(len(batches), batchHead)]) }

// passOver returns, in place of a batch that was found damaged several times, a record that says which offsets are lost.
func (c *Client) passOver(ctx context.Context, p schemas.Partition, offset int64, d damage) (dataflow.Fetched, error) {
	start, end, err := c.Bounds(ctx, p)
	if err != nil {
		return dataflow.Fetched{}, err
	}
	to, err := c.behind(ctx, p, offset, end, d)
	if err != nil {
		return dataflow.Fetched{}, err
	}
	if d.head == nil && to == end { // a broker that refuses everything is broken as a whole
		return dataflow.Fetched{}, d
	}
	c.log.Error().Stringer("partition", p).Int64("from", offset).Int64("to", to).Str("why", d.why).
		Msg("kafka: offsets are lost, reading on behind them")
	lost := []schemas.Record{schemas.Unreadable(p, offset, to, d.why)}
	return dataflow.Fetched{Records: lost, Next: to, Start: start, End: end}, nil
}

// behind returns the first offset after a damaged batch. What the batch says of its own end is not to be trusted, but
// every offset in it is answered by that batch: the offset is found in steps that double, and then by halves.
func (c *Client) behind(ctx context.Context, p schemas.Partition, offset, end int64, d damage) (int64, error) {
	in, out := offset, end
	for step := int64(1); in < out; step *= 2 {
		probe := in + step
		if probe >= out || step <= 0 {
			break
		}
		same, err := c.answers(ctx, p, probe, d)
		if err != nil {
			return 0, err
		}
		if !same {
			out = probe
			break
		}
		in = probe
	}
	for out-in > 1 {
		probe := in + (out-in)/2
		same, err := c.answers(ctx, p, probe, d)
		if err != nil {
			return 0, err
		}
		if same {
			in = probe
		} else {
			out = probe
		}
	}
	return out, nil
}

// answers reports whether a fetch at offset meets the same damage.
func (c *Client) answers(ctx context.Context, p schemas.Partition, offset int64, d damage) (same bool, err error) {
	err = c.retry(ctx, p.String(), func(ctx context.Context) error {
		a, err := c.ask(ctx, p, offset, minFetchBytes)
		if errors.Is(err, kafka.InvalidMessage) {
			same = d.head == nil
			return nil
		}
		if err == nil {
			same = d.head != nil && bytes.Equal(d.head, headOf(a.batches))
		}
		return err
	})
	return same, err
}
