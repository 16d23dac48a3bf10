package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

const (
	firstBackoff = 50 * time.Millisecond
	maxBackoff   = 2 * time.Second
	// maxStrange is how often an error that is neither Kafka's nor the network's is tried: a connection that breaks in the
	// middle of a compressed batch looks like damaged data, and is whole the next time.
	maxStrange = 3
)

// retry calls attempt until it succeeds, fails for good, or ctx ends. what says in an error what was being done.
func (c *Client) retry(ctx context.Context, what string, attempt func(context.Context) error) error {
	strange, waited := 0, ""
	for backoff := firstBackoff; ; backoff = min(2*backoff, maxBackoff) {
		err := c.cause(ctx, attempt(ctx))
		if err == nil {
			if waited != "" {
				c.waits.over(c.log, waited)
			}
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w (%s)", what, ctx.Err(), explain(err))
		}
		switch classify(err) {
		case permanent:
			return fmt.Errorf("%s: %w", what, err)
		case odd:
			if strange++; strange >= maxStrange {
				return fmt.Errorf("%s: %w", what, err)
			}
		case connection:
			c.dropPool()
		}
		waited = c.waiting(what, err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w (%s)", what, ctx.Err(), explain(err))
		case <-time.After(backoff + rand.N(backoff/4)):
		}
	}
}

// cause finds the error behind "topic not found": kafka-go says that too when it could not ask any broker.
func (c *Client) cause(ctx context.Context, err error) error {
	for _, hiding := range []error{
		protocol.ErrNoTopic, protocol.ErrNoPartition, protocol.ErrNoLeader, kafka.BrokerNotAvailable,
	} {
		if !errors.Is(err, hiding) {
			continue
		}
		if _, behind := c.kafka.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{}}); behind != nil {
			return behind
		}
	}
	return err
}

// waiting logs, at most once every few seconds, what is waited for, and returns its name for waits.over.
func (c *Client) waiting(what string, err error) string {
	subject := what
	if classify(err) == connection {
		if subject = address(err); subject == "" {
			subject = c.brokers()
		}
	}
	c.waits.log(c.log, subject, explain(err))
	return subject
}
