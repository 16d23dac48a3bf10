package kafkalog

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// login is a SASL mechanism that reads the password anew for each connection: one that was changed needs no restart.
type login struct{ SASL }

// load returns the mechanism, nil where there is none. The password is tried once: an error at the start is seen.
func (s SASL) load() (sasl.Mechanism, error) {
	if s.Mechanism == "" {
		return nil, nil
	}
	if _, err := s.mechanism(); err != nil {
		return nil, err
	}
	return login{s}, nil
}

// Name implements sasl.Mechanism.
func (l login) Name() string { return strings.ToUpper(l.Mechanism) }

// Start implements sasl.Mechanism.
func (l login) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	m, err := l.mechanism()
	if err != nil {
		return nil, nil, secretError{err}
	}
	return m.Start(ctx)
}

func (s SASL) mechanism() (sasl.Mechanism, error) {
	content, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("sasl.password_file: %w", err)
	}
	password := strings.TrimRight(string(content), "\r\n")
	if password == "" {
		return nil, fmt.Errorf("sasl.password_file: %s is empty", s.PasswordFile)
	}
	algorithm := scram.SHA256
	switch s.Mechanism {
	case "plain":
		return plain.Mechanism{Username: s.Username, Password: password}, nil
	case "scram-sha-512":
		algorithm = scram.SHA512
	}
	m, err := scram.Mechanism(algorithm, s.Username, password)
	if err != nil {
		return nil, fmt.Errorf("sasl.username: %w", err)
	}
	return m, nil
}

// secretError is one of a file that a running process reads again.
type secretError struct{ error }

func (e secretError) Unwrap() error { return e.error }
