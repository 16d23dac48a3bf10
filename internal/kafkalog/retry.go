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
	maxBackoff   = time.Second
	// maxStrange is how often an error that is neither Kafka's nor the network's is tried, a damaged batch among them.
	maxStrange = 3
)

// retry calls attempt until it succeeds, fails for good, or ctx ends. subject is what a log line says is waited for, where
// it is not a broker.
func (c *Client) retry(ctx context.Context, subject string, attempt func(context.Context) error) error {
	strange, waited := 0, ""
	call := c.calls.begin(subject)
	defer c.calls.end(call)
	for backoff := c.backoff; ; backoff = min(2*backoff, maxBackoff) {
		err := c.cause(ctx, attempt(ctx))
		c.calls.try(call, err)
		if err == nil {
			c.trusted.Store(true)
			if waited != "" {
				c.waits.over(c.log, waited)
			}
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w (%s)", ctx.Err(), explain(err))
		}
		switch c.kindOf(err) {
		case permanent:
			return c.advise(err)
		case odd:
			if strange++; strange >= maxStrange {
				return c.advise(err)
			}
		case connection:
			c.dropPool()
		}
		waited = c.waiting(subject, err)
		pause := backoff + rand.N(backoff/4)
		if t, ok := errors.AsType[throttled](err); ok {
			pause = max(pause, c.still(t.wait))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%s)", ctx.Err(), explain(err))
		case <-time.After(pause):
		}
	}
}

// cause finds the error behind "topic not found": kafka-go says that too when it could not ask any broker, and when the
// broker did not tell, as we may know nothing of the topic.
func (c *Client) cause(ctx context.Context, err error) error {
	for _, hiding := range []error{
		protocol.ErrNoTopic, protocol.ErrNoPartition, protocol.ErrNoLeader, kafka.BrokerNotAvailable,
	} {
		if !errors.Is(err, hiding) {
			continue
		}
		known, behind := c.kafka.Metadata(ctx, &kafka.MetadataRequest{})
		if behind != nil {
			return behind
		}
		for _, t := range known.Topics {
			if t.Name == topicOf(err) && errors.Is(t.Error, kafka.TopicAuthorizationFailed) {
				return t.Error
			}
		}
	}
	return err
}

// topicOf returns the topic that kafka-go did not find.
func topicOf(err error) string {
	if e, ok := errors.AsType[*protocol.TopicError](err); ok {
		return e.Topic
	}
	if e, ok := errors.AsType[*protocol.TopicPartitionError](err); ok {
		return e.Topic
	}
	return ""
}

// waiting logs, at most once every few seconds, what is waited for: the broker where it is the network, else subject.
// It returns the name that waits.over takes.
func (c *Client) waiting(subject string, err error) string {
	if c.kindOf(err) == connection {
		if subject = address(err); subject == "" {
			subject = c.brokers()
		}
	}
	reason := explain(err)
	if advice := c.advice(err); advice != "" {
		reason += ": " + advice
	}
	c.waits.log(c.log, subject, reason)
	return subject
}
