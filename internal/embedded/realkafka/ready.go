package realkafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	askEvery   = 50 * time.Millisecond
	askTimeout = 5 * time.Second
	maxAnswer  = 1 << 20
)

// await returns once the broker answers that it belongs to a cluster of that many brokers that work, itself among them.
func (b *broker) await(ctx context.Context, brokers int) error {
	var last error
	for {
		met, err := b.met(ctx)
		if err == nil && met >= brokers {
			return nil
		}
		if last = err; err == nil {
			last = fmt.Errorf("it knows %d brokers of %d", met, brokers)
		}
		select {
		case <-b.gone:
			return fmt.Errorf("broker %d ended: %w; the end of its output:\n%s", b.id, last, b.output())
		case <-ctx.Done():
			return fmt.Errorf("broker %d does not answer: %w: %w; the end of its output:\n%s", b.id, ctx.Err(), last, b.output())
		case <-time.After(askEvery):
		}
	}
}

// met asks the broker which brokers there are, and returns how many; 0 if it is not among them.
func (b *broker) met(ctx context.Context) (int, error) {
	conn, err := (&net.Dialer{Timeout: askTimeout}).DialContext(ctx, "tcp", net.JoinHostPort(loopback, strconv.Itoa(b.internal)))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(askTimeout))
	request := kmsg.NewPtrMetadataRequest()
	request.Version = 4 // the last one that is not flexible is 8; topics are not asked for
	request.Topics = []kmsg.MetadataRequestTopic{}
	if _, err := conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, request, 1)); err != nil {
		return 0, err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return 0, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n < 4 || n > maxAnswer {
		return 0, fmt.Errorf("an answer of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(conn, body); err != nil {
		return 0, err
	}
	answer := request.ResponseKind().(*kmsg.MetadataResponse)
	if err := answer.ReadFrom(body[4:]); err != nil { // behind the correlation id
		return 0, err
	}
	for _, other := range answer.Brokers {
		if other.NodeID == int32(b.id) {
			return len(answer.Brokers), nil
		}
	}
	return 0, errors.New("it is not among the brokers")
}
