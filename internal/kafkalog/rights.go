package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"detour/schemas"
)

// Rights is what a broker lets this client do with a topic.
type Rights struct{ Read, Write bool }

// Numbers of operations in the protocol, and what stands for "the broker does not say".
const (
	readOperation  = 3
	writeOperation = 4
	unsaid         = math.MinInt32
)

// Rights asks a broker what it lets this client do with a topic that is there. All is allowed where a broker does not say.
func (c *Client) Rights(ctx context.Context, t schemas.Topic) (Rights, error) {
	var rights Rights
	name := c.names.Of(t)
	err := c.retry(ctx, "topic "+name, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		m, err := c.transport.RoundTrip(ctx, c.kafka.Addr, &rightsQuestion{clientID: c.cfg.ClientID, topic: name})
		if err != nil {
			return err
		}
		answer, ok := m.(*rightsAnswer)
		if !ok || len(answer.Topics) != 1 {
			return errors.New("metadata without the topic")
		}
		if code := answer.Topics[0].ErrorCode; code != 0 {
			return kafka.Error(code)
		}
		bits := answer.Topics[0].TopicAuthorizedOperations
		rights = Rights{Read: bits == unsaid || bits>>readOperation&1 == 1, Write: bits == unsaid || bits>>writeOperation&1 == 1}
		return nil
	})
	if err != nil {
		return rights, fmt.Errorf("rights on topic %s: %w", name, c.needsOn(err, "Describe", t))
	}
	return rights, nil
}

// rightsQuestion is a metadata request that a broker is really asked: kafka-go answers others from what it remembers, which
// is without rights.
type rightsQuestion struct {
	clientID, topic string
	version         int16
}

var _ protocol.RawExchanger = (*rightsQuestion)(nil)

// rightsVersion is the version of metadata that says rights.
const rightsVersion = 8

// ApiKey implements protocol.Message.
func (*rightsQuestion) ApiKey() protocol.ApiKey { return protocol.Metadata }

// Required implements protocol.RawExchanger.
func (q *rightsQuestion) Required(versions map[protocol.ApiKey]int16) bool {
	q.version = versions[protocol.Metadata]
	return true
}

// RawExchange implements protocol.RawExchanger.
func (q *rightsQuestion) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if q.version < rightsVersion {
		return nil, fmt.Errorf("the broker speaks version %d of metadata, at least %d says rights", q.version, rightsVersion)
	}
	request := &metadata.Request{TopicNames: []string{q.topic}, IncludeTopicAuthorizedOperations: true}
	if err := protocol.WriteRequest(rw, rightsVersion, 0, q.clientID, request); err != nil {
		return nil, err
	}
	_, m, err := protocol.ReadResponse(rw, protocol.Metadata, rightsVersion)
	if err != nil {
		return nil, err
	}
	answer, ok := m.(*metadata.Response)
	if !ok {
		return nil, fmt.Errorf("metadata answered by %T", m)
	}
	return &rightsAnswer{answer}, nil
}

// rightsAnswer is an answer that kafka-go passes through, as it does not know it.
type rightsAnswer struct{ *metadata.Response }
