package kafkalog

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"detour/internal/dataflow"
)

// kind says what can be done about an error.
type kind int

const (
	permanent  kind = iota // nothing
	temporary              // ask again: the cluster is busy with itself
	connection             // connect again
	odd                    // unknown: ask again, but not for ever
)

func classify(err error) kind {
	var (
		code   kafka.Error
		neterr net.Error
		errno  syscall.Errno
	)
	switch {
	case errors.Is(err, dataflow.ErrOutOfRange), errors.Is(err, errLogAppendTime), distrust(err):
		return permanent
	case errors.As(err, &code):
		// A broker that calls a message corrupt will do so again.
		if code == kafka.BrokerNotAvailable || code.Temporary() && code != kafka.InvalidMessage {
			return temporary
		}
		return permanent
	case errors.Is(err, protocol.ErrNoTopic), errors.Is(err, protocol.ErrNoPartition), errors.Is(err, protocol.ErrNoLeader):
		return temporary
	case errors.As(err, &neterr), errors.As(err, &errno), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, io.ErrClosedPipe):
		return connection
	}
	return odd
}

// explain returns the one reason of an error that a person wants to read.
func explain(err error) string {
	var (
		code   kafka.Error
		errno  syscall.Errno
		op     *net.OpError
		dns    *net.DNSError
		secret secretError
	)
	switch {
	case err == nil:
		return "no answer yet"
	case errors.As(err, &secret):
		return secret.Error()
	case errors.As(err, &code):
		return strings.ToLower(code.Title())
	case errors.Is(err, protocol.ErrNoLeader):
		return "it has no leader"
	case errors.Is(err, protocol.ErrNoTopic), errors.Is(err, protocol.ErrNoPartition):
		return "it does not exist"
	case errors.As(err, &dns):
		return dns.Err
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &op):
		return op.Err.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer within " + requestTimeout.String()
	case expectsTLS(err):
		return "broker appears to expect TLS"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed by the broker"
	}
	return err.Error()
}

// expectsTLS reports whether the broker answered with TLS what was asked in the clear, as kafka-go finds out.
func expectsTLS(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) && strings.Contains(err.Error(), "TLS")
}

// address returns the broker that a network error speaks of, empty where it names none.
func address(err error) string {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.Name
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Addr != nil {
		return op.Addr.String()
	}
	return ""
}
