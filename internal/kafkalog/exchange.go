package kafkalog

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	fetchAPI "github.com/segmentio/kafka-go/protocol/fetch"

	"detour/schemas"
)

const (
	// readCommitted asks for no batch of a transaction that is still open.
	readCommitted = 1
	// oldestFetch is the version from which on an answer says where the log starts.
	oldestFetch = 5
	// maxAnswer bounds an answer: a broker's batch, plus what a client may ask for.
	maxAnswer = 2 * maxFetchBytes
	// answerStep is how much of an answer's size is believed before its bytes are there.
	answerStep = 1 << 20
)

// exchange is one fetch request of one partition. kafka-go sends it where the leader is, over its own connections, but
// leaves it to us to read the answer, so that its batches come as they lie in the log.
type exchange struct {
	*fetchAPI.Request
	clientID string
	version  int16
}

var (
	_ protocol.RawExchanger  = (*exchange)(nil)
	_ protocol.BrokerMessage = (*exchange)(nil)
)

// answer is what a broker says of one partition. It is a protocol.Message because kafka-go passes nothing else through.
type answer struct {
	code    kafka.Error // 0 is none
	end     int64       // high watermark
	stable  int64       // last stable offset: transactions from here on may be open
	start   int64
	aborted []aborted
	batches []byte // as they lie in the log; the last one may be cut short

	throttle time.Duration // how long the broker wants to hear nothing; batches then are empty
}

// ApiKey implements protocol.Message.
func (*answer) ApiKey() protocol.ApiKey { return protocol.Fetch }

// ask fetches the batches of p from the one that holds offset on: at least that one, however large it is.
func (c *Client) ask(ctx context.Context, p schemas.Partition, offset int64, maxBytes int) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	m, err := c.transport.RoundTrip(ctx, c.kafka.Addr, &exchange{clientID: c.cfg.ClientID, Request: &fetchAPI.Request{
		ReplicaID:      -1,
		MaxWaitTime:    int32(c.cfg.FetchMaxWait.Milliseconds()),
		MinBytes:       1,
		MaxBytes:       int32(maxBytes),
		IsolationLevel: readCommitted,
		SessionEpoch:   -1,
		Topics: []fetchAPI.RequestTopic{{
			Topic: c.names.Of(p.Topic),
			Partitions: []fetchAPI.RequestPartition{{
				Partition:          p.Number,
				CurrentLeaderEpoch: -1,
				FetchOffset:        offset,
				LogStartOffset:     -1,
				PartitionMaxBytes:  int32(maxBytes),
			}},
		}},
	}})
	if err != nil {
		return nil, err
	}
	a, ok := m.(*answer)
	if !ok {
		return nil, fmt.Errorf("fetch answered by %T", m)
	}
	switch a.code {
	case 0:
		return a, nil
	case kafka.ThrottlingQuotaExceeded:
		return a, throttled{a.throttle}
	}
	return a, a.code
}

// Required implements protocol.RawExchanger: it is how a request hears which version the connection speaks.
func (e *exchange) Required(versions map[protocol.ApiKey]int16) bool {
	e.version = versions[protocol.Fetch]
	return true
}

// RawExchange implements protocol.RawExchanger. The connection is this request's alone until it returns.
func (e *exchange) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if e.version < oldestFetch {
		return nil, fmt.Errorf("the broker speaks version %d of fetch, at least %d is needed", e.version, oldestFetch)
	}
	if err := protocol.WriteRequest(rw, e.version, 0, e.clientID, e.Request); err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxAnswer {
		return nil, fmt.Errorf("an answer of %d bytes", size)
	}
	var body bytes.Buffer
	body.Grow(min(int(size), max(answerStep, int(e.MaxBytes)+answerStep)))
	if _, err := io.CopyN(&body, rw, int64(size)); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return parseAnswer(body.Bytes(), e.version)
}

// parseAnswer takes an answer with one partition apart.
func parseAnswer(body []byte, version int16) (*answer, error) {
	c, a := cursor{b: body}, answer{}
	c.int32() // correlation id
	a.throttle = time.Duration(c.int32()) * time.Millisecond
	if version >= 7 {
		a.code = kafka.Error(c.int16())
		c.int32() // session
	}
	topics := c.int32()
	if topics < 1 && a.throttle > 0 && a.code == 0 { // that is how a broker answers who reads more than its quota
		a.code = kafka.ThrottlingQuotaExceeded
	}
	if topics < 1 || a.code != 0 {
		return &a, noPartition(a.code, protocol.ErrNoTopic)
	}
	c.take(int(c.int16())) // name
	if partitions := c.int32(); partitions < 1 {
		return &a, noPartition(a.code, protocol.ErrNoPartition)
	}
	c.int32() // partition
	a.code = kafka.Error(c.int16())
	a.end, a.stable, a.start = c.int64(), c.int64(), c.int64()
	for range min(max(c.int32(), 0), int32(len(c.b)/16)) {
		a.aborted = append(a.aborted, aborted{producer: c.int64(), first: c.int64()})
	}
	if version >= 11 {
		c.int32() // preferred replica: only for who says where it stands
	}
	a.batches = c.take(int(max(c.int32(), 0)))
	if c.short {
		return nil, errors.New("an answer whose parts are larger than the whole")
	}
	return &a, nil
}

// noPartition is why there is no partition in an answer: the broker's own error goes with the answer.
func noPartition(code kafka.Error, otherwise error) error {
	if code != 0 {
		return nil
	}
	return otherwise
}
