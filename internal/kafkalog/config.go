package kafkalog

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"detour/internal/tlsfiles"
)

// Config says how to reach Kafka. Secrets are never values here, only names of files.
type Config struct {
	Brokers  []string        `yaml:"brokers"` // host:port, any one of which is enough to find the others
	TLS      tlsfiles.Client `yaml:"tls"`
	SASL     SASL            `yaml:"sasl"`
	ClientID string          `yaml:"client_id"`

	Replication int `yaml:"replication"` // copies of each partition of a topic that is created; 0 = the broker's default

	FetchMaxWait  time.Duration `yaml:"fetch_max_wait"`  // how long a broker may hold a fetch that finds no record
	FetchMaxBytes int           `yaml:"fetch_max_bytes"` // of one answer, as stored (compressed); a larger batch comes alone
	Compression   string        `yaml:"compression"`     // none, gzip, snappy, lz4 or zstd

	// SessionTimeout is how long a member of a group may be silent before its partitions go to others.
	SessionTimeout time.Duration `yaml:"session_timeout"`
}

// SASL proves who we are to the brokers.
type SASL struct {
	Mechanism    string `yaml:"mechanism"` // empty = none, plain, scram-sha-256 or scram-sha-512
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"` // its content without trailing line breaks; read anew for each connection
}

// Default is what suits a broker on the same machine.
func Default() Config {
	return Config{
		Brokers:        []string{"127.0.0.1:9092"},
		ClientID:       "detour",
		FetchMaxWait:   500 * time.Millisecond,
		FetchMaxBytes:  4 << 20,
		Compression:    "zstd",
		SessionTimeout: 10 * time.Second,
	}
}

// Limits of the settings, each with its reason.
const (
	maxReplication    = 1<<15 - 1              // an int16 in the protocol
	maxFetchWait      = requestTimeout / 4     // a fetch must be answered well before the request is given up
	minFetchBytes     = 1 << 10                // less would make every fetch a single batch
	maxFetchBytes     = 256 << 20              // one answer is held in memory, decompressed, per partition
	minSessionTimeout = 500 * time.Millisecond // ten heartbeats a session must still be a sane rate
	maxSessionTimeout = 5 * time.Minute        // a dead member's partitions stand still for so long
)

var compressions = map[string]kafka.Compression{
	"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

var mechanisms = []string{"plain", "scram-sha-256", "scram-sha-512"}

// Validate returns every fault found, each beginning with the key that is wrong. It opens no file.
func (c Config) Validate() error {
	var errs []error
	bad := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
	}
	if len(c.Brokers) == 0 {
		bad("brokers", "none given")
	}
	for i, b := range c.Brokers {
		if _, port, err := net.SplitHostPort(b); err != nil || port == "" {
			bad(fmt.Sprintf("brokers[%d]", i), "%q is not host:port", b)
		}
	}
	if err := c.TLS.Validate(); err != nil {
		errs = append(errs, err)
	}
	switch s := c.SASL; {
	case s == SASL{}:
	case s.Mechanism == "":
		bad("sasl.mechanism", "is empty, but other settings of sasl are given")
	case !slices.Contains(mechanisms, s.Mechanism):
		bad("sasl.mechanism", "%q is none of %s", s.Mechanism, strings.Join(mechanisms, ", "))
	case s.Username == "":
		bad("sasl.username", "is empty")
	case s.PasswordFile == "":
		bad("sasl.password_file", "is empty")
	}
	if c.Replication < 0 || c.Replication > maxReplication {
		bad("replication", "%d is not within 0 and %d", c.Replication, maxReplication)
	}
	if c.FetchMaxWait < time.Millisecond || c.FetchMaxWait > maxFetchWait {
		bad("fetch_max_wait", "%v is not within 1ms and %v", c.FetchMaxWait, maxFetchWait)
	}
	if c.FetchMaxBytes < minFetchBytes || c.FetchMaxBytes > maxFetchBytes {
		bad("fetch_max_bytes", "%d is not within %d and %d", c.FetchMaxBytes, minFetchBytes, maxFetchBytes)
	}
	if _, ok := compressions[c.Compression]; !ok {
		bad("compression", "%q is none of %s", c.Compression, strings.Join(slices.Sorted(maps.Keys(compressions)), ", "))
	}
	if c.SessionTimeout < minSessionTimeout || c.SessionTimeout > maxSessionTimeout {
		bad("session_timeout", "%v is not within %v and %v", c.SessionTimeout, minSessionTimeout, maxSessionTimeout)
	}
	return errors.Join(errs...)
}
