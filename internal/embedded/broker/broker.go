// Package broker runs a Kafka broker inside this process, on a loopback port: kfake, which speaks the Kafka protocol and
// keeps real record batches, groups and offsets. It stands in for a cluster on a developer's machine and in tests.
//
// What it promises: topics exist only once a client has created them; with a data directory, whatever a client was told is
// written survives a restart and a crash. What it isn't: replicated, or fast on disk, as every batch is synced. And a batch
// that was damaged on disk is handed out as it is while the broker runs, but when it starts it cuts the partition off there.
package broker

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
)

// Config is what a broker is made of. The zero value keeps everything in memory.
type Config struct {
	Listen  string // loopback address and port; empty is a free port of 127.0.0.1
	DataDir string // keeps logs, groups and offsets; empty is memory only
	// MinSession is the shortest session timeout that a member of a group may ask for; 0 is Kafka's own, 6 s.
	MinSession time.Duration
}

// Validate names the field that is wrong.
func (c *Config) Validate() error {
	if c.Listen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("listen: %s is not a loopback address", c.Listen)
	}
	return nil
}

// Broker is one broker: a cluster of one.
type Broker struct {
	cfg Config
	log zerolog.Logger

	mu      sync.Mutex
	cluster *kfake.Cluster
}

// New returns a broker that was not started.
func New(cfg Config, log zerolog.Logger) *Broker {
	return &Broker{cfg: cfg, log: log.With().Str("component", "broker").Logger()}
}

// Start loads what the data directory holds, listens, and returns the address, host:port. A broker may be started again
// once it was closed.
func (b *Broker) Start() (addr string, err error) {
	if err := b.cfg.Validate(); err != nil {
		return "", err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cluster != nil {
		return "", errors.New("broker is running")
	}
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.ListenFn(b.listen), kfake.WithLogger(logger{b.log})}
	if b.cfg.DataDir != "" {
		options = append(options, kfake.DataDir(b.cfg.DataDir), kfake.SyncWrites())
	}
	if b.cfg.MinSession > 0 {
		options = append(options, kfake.GroupMinSessionTimeout(b.cfg.MinSession))
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return "", fmt.Errorf("start broker: %w", err)
	}
	b.cluster = cluster
	addr = cluster.ListenAddrs()[0]
	b.log.Info().Str("address", addr).Msg("embedded broker is up")
	return addr, nil
}

func (b *Broker) listen(network, address string) (net.Listener, error) {
	if b.cfg.Listen != "" {
		address = b.cfg.Listen
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return lingering{l}, nil
}

// Close writes what is left to the data directory and stops the broker. It may be called when it is not running.
func (b *Broker) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cluster != nil {
		b.cluster.Close()
		b.cluster = nil
	}
	return nil
}

// logger passes kfake's errors and warnings on; its information is a line for every request.
type logger struct{ log zerolog.Logger }

func (l logger) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error().Msgf(format, args...)
	case kfake.LogLevelWarn:
		l.log.Warn().Msgf(format, args...)
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
	}
}
