package realkafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	askTimeout = 20 * time.Second
	maxAnswer  = 64 << 20
)

// Ask sends a broker one request, in the version that it is set to, over a connection of its own in the clear, and returns
// the answer. The error is the connection's; what the broker thinks of the request is in the answer. client is the client id
// that quotas go by.
func Ask(ctx context.Context, addr, client string, request kmsg.Request) (kmsg.Response, error) {
	conn, err := (&net.Dialer{Timeout: askTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_ = conn.SetDeadline(time.Now().Add(askTimeout))
	if _, err := conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID(client)).AppendRequest(nil, request, 1)); err != nil {
		return nil, err
	}
	var head [8]byte // size and correlation id
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 4 || size > maxAnswer {
		return nil, fmt.Errorf("an answer of %d bytes", size)
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	response := request.ResponseKind()
	if response.IsFlexible() { // then the header ends with tags, of which there are none
		if len(body) == 0 || body[0] != 0 {
			return nil, errors.New("an answer with tags")
		}
		body = body[1:]
	}
	if err := response.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("answer to %s: %w", kmsg.NameForKey(request.Key()), err)
	}
	return response, nil
}
