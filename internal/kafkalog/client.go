// Package kafkalog is Detour's log on Kafka: it implements dataflow.Log and dataflow.Group with kafka-go, which no
// other package imports. Any broker that speaks Kafka's protocol from 2.4 on will do.
//
// What it promises:
//
//  1. Whatever a retry can mend (a broker that is down, restarts, or is not the leader, a topic that is yet to be
//     created) is retried until the context ends. One log line every few seconds says what is waited for.
//  2. An append is one batch in one request with acks from all in-sync replicas. Appends to one partition are in flight
//     one at a time, so a batch that is retried never stands behind its successor. There is no idempotent producer in
//     kafka-go: a batch whose answer was lost may stand in the log twice, and a broker that takes a request up only after
//     its sender gave it up (requestTimeout) may even put that copy behind a successor. docs/decisions/0006 goes through
//     the topics and says why neither does harm.
//  3. A fetch neither skips nor repeats: Next is past everything in the answer, and a lost offset is an error.
//  4. A batch that can't be read (its CRC is wrong, it does not decompress, its records are no records) is asked for
//     several times, and then is one record that says which offsets are lost: see Fetch. It stops nobody.
//  5. A fetch reads what is committed: no record of a transaction that was aborted or is open.
//  6. What a producer wrote takes a bounded amount of memory, whatever it compresses to: see maxDecoded, maxWindow.
//  7. A commit carries the member's generation; the coordinator refuses a superseded member's.
//
// Where kafka-go had to be worked around:
//
//   - Its Client.Fetch drops the list of aborted transactions, decompresses without a bound, and makes one error of a
//     broken connection and a damaged batch. So kafka-go only carries the request to the leader (see exchange); the answer
//     and its batches are read here. Batches are of format v2, which brokers write since 0.11; older ones can't be read.
//   - It takes no notice of quotas. A client that is over one keeps still here, see throttle.go.
//   - A log-append time is not decoded (records carry the producer's time), so the reports topic must not use it.
//     CheckReports says so at the start, and Fetch refuses a batch of reports that is flagged so.
//   - A request's own connection is used for it alone until it is answered, so a fetch that waits for records delays no
//     append. A cached view of the cluster is as old as metadataTTL; after a failed connection it is dropped at once.
package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"

	"detour/internal/dataflow"
	"detour/schemas"
)

const (
	// requestTimeout ends one attempt of a request. kafka-go lets the broker wait for replicas for half of it.
	requestTimeout = 20 * time.Second
	dialTimeout    = 5 * time.Second
	idleTimeout    = 30 * time.Second
	// metadataTTL is how long a change of leader, or a new partition, may go unnoticed.
	metadataTTL = 3 * time.Second
	// poolMinAge keeps many waiting callers from dropping each other's connections over and over.
	poolMinAge = 200 * time.Millisecond
)

// Client is a log on a Kafka cluster.
type Client struct {
	cfg       Config
	names     schemas.Names
	log       zerolog.Logger
	kafka     *kafka.Client
	transport *kafka.Transport
	waits     waits
	calls     calls
	writers   writers
	backoff   time.Duration // before the first retry

	trusted atomic.Bool // a broker let us in

	poolMu  sync.Mutex
	dropped time.Time // when the connection pool was dropped last
}

var _ dataflow.Log = (*Client)(nil)

// New returns a client that has read its secrets but connected to nothing. An error names the key that is wrong.
func New(cfg Config, names schemas.Names, log zerolog.Logger) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	tlsConfig, err := cfg.TLS.Load()
	if err != nil {
		return nil, err
	}
	mechanism, err := cfg.SASL.load()
	if err != nil {
		return nil, err
	}
	if cfg.SASL.Mechanism == "plain" && !cfg.TLS.Enabled {
		log.Warn().Msg("kafka: sasl.mechanism plain without tls.enabled sends the password in the clear")
	}
	transport := &kafka.Transport{
		Dial:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		DialTimeout:    dialTimeout,
		IdleTimeout:    idleTimeout,
		MetadataTTL:    metadataTTL,
		MetadataTopics: physical(names, append(schemas.Internal(), schemas.Reports)),
		ClientID:       cfg.ClientID,
		TLS:            tlsConfig,
		SASL:           mechanism,
	}
	return &Client{
		cfg:       cfg,
		names:     names,
		log:       log,
		kafka:     &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Timeout: requestTimeout, Transport: transport},
		transport: transport,
		backoff:   firstBackoff,
	}, nil
}

// Use limits what the client asks brokers about to some topics: in the logs of a cluster with ACLs it then does not look
// like somebody who tries doors. It comes before everything else that the client does.
func (c *Client) Use(topics ...schemas.Topic) {
	c.transport.MetadataTopics = physical(c.names, topics)
}

// physical returns the names of topics that a client asks metadata of: a cluster may hold thousands of others.
func physical(names schemas.Names, topics []schemas.Topic) []string {
	all := make([]string, 0, len(topics))
	for _, t := range topics {
		if name := names.Of(t); name != "" { // tools may not know where reports are
			all = append(all, name)
		}
	}
	return all
}

// Close closes idle connections. The client may be used again; it then connects anew.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// WaitReady returns once a broker answers, and says what it waits for until then.
func (c *Client) WaitReady(ctx context.Context) error {
	err := c.retry(ctx, "a broker", func(ctx context.Context) error {
		c.dropPool() // what the pool remembers may be from before the brokers went away
		m, err := c.kafka.Metadata(ctx, &kafka.MetadataRequest{})
		if err == nil && len(m.Brokers) == 0 {
			return kafka.BrokerNotAvailable
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("connect to %s: %w", c.brokers(), err)
	}
	return nil
}

// Partitions implements dataflow.Log. Partitions added less than metadataTTL ago may be missing.
func (c *Client) Partitions(ctx context.Context, t schemas.Topic) (int, error) {
	var n int
	err := c.retry(ctx, "topic "+c.names.Of(t), func(ctx context.Context) error {
		topic, err := c.topic(ctx, t)
		n = len(topic.Partitions)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("partitions of topic %s: %w", c.names.Of(t), err)
	}
	return n, nil
}

// Exists reports whether a topic is there, for who would not wait for it; for brokers it waits.
func (c *Client) Exists(ctx context.Context, t schemas.Topic) (bool, error) {
	if err := c.WaitReady(ctx); err != nil {
		return false, err
	}
	_, err := c.topic(ctx, t)
	if errors.Is(err, kafka.UnknownTopicOrPartition) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for topic %s: %w", c.names.Of(t), err)
	}
	return true, nil
}

// topic returns the metadata of one topic, from kafka-go's cache.
func (c *Client) topic(ctx context.Context, t schemas.Topic) (kafka.Topic, error) {
	m, err := c.kafka.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{c.names.Of(t)}})
	if err != nil {
		return kafka.Topic{}, err
	}
	if len(m.Topics) != 1 {
		return kafka.Topic{}, errors.New("metadata without the topic")
	}
	return m.Topics[0], c.needsOn(m.Topics[0].Error, "Describe", t)
}

// Bounds implements dataflow.Log.
func (c *Client) Bounds(ctx context.Context, p schemas.Partition) (start, end int64, err error) {
	err = c.retry(ctx, p.String(), func(ctx context.Context) error {
		start, end, err = c.bounds(ctx, p)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("bounds of %s: %w", p, c.needsOn(err, "Describe", p.Topic))
	}
	return start, end, nil
}

// bounds asks in two requests: of one with two questions kafka-go hides why a half failed.
func (c *Client) bounds(ctx context.Context, p schemas.Partition) (start, end int64, err error) {
	if start, err = c.listOffset(ctx, p, kafka.FirstOffset); err != nil {
		return 0, 0, err
	}
	end, err = c.listOffset(ctx, p, kafka.LastOffset)
	return start, end, err
}

func (c *Client) listOffset(ctx context.Context, p schemas.Partition, which int64) (int64, error) {
	name := c.names.Of(p.Topic)
	res, err := c.kafka.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{name: {{Partition: int(p.Number), Timestamp: which}}},
	})
	if err != nil {
		return 0, err
	}
	for _, o := range res.Topics[name] {
		if o.Partition != int(p.Number) {
			continue
		}
		if which == kafka.FirstOffset {
			return o.FirstOffset, o.Error
		}
		return o.LastOffset, o.Error
	}
	return 0, errors.New("list offsets: no answer for the partition")
}

// dropPool makes kafka-go connect anew, with a fresh view of the cluster. Requests in flight are not disturbed.
func (c *Client) dropPool() {
	c.poolMu.Lock()
	defer c.poolMu.Unlock()
	if time.Since(c.dropped) > poolMinAge {
		c.transport.CloseIdleConnections()
		c.dropped = time.Now()
	}
}

func (c *Client) brokers() string { return strings.Join(c.cfg.Brokers, ",") }
