// Package realkafka runs Apache Kafka: brokers in processes of their own, on loopback ports, for tests and for trying out.
// The jars come from `make kafka` or scripts/fetch-kafka.sh, Java from the machine.
//
// What it promises: a cluster that New returned and Start started answers for every broker and has all its brokers as
// members; data survives Kill, Stop and Restart; a broker's process ends with the one that started it, however that ends.
//
// Every broker is a controller, too, and has three listeners: the clients', with the protocol that Config names; the
// brokers' own, in the clear, which Internal returns; the controllers'. The internal one's user is ANONYMOUS, a super
// user where an authorizer is set: tests administer a closed cluster through it.
package realkafka

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config is what a cluster is made of. The zero value with a Dir is one broker without encryption or authentication.
type Config struct {
	Dir     string // keeps data and the brokers' output; a cluster that was there before goes on
	Brokers int    // 0 is 1
	Ports   []int  // the clients', one a broker, on 127.0.0.1; empty is any that are free

	Protocol string // of the clients' listener: PLAINTEXT (the default), SSL, SASL_PLAINTEXT or SASL_SSL
	// Keystore is a PEM file with the brokers' private key (PKCS #8) and their certificate, which has to be good for
	// 127.0.0.1 and localhost. Truststore is a PEM file with the authorities that clients' certificates are from;
	// what is asked of clients is the property ssl.client.auth.
	Keystore, Truststore string
	// Users may log in with their passwords, by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
	Users map[string]string

	Properties map[string]string // of every broker's server.properties; they win over those of this package
}

// startPatience bounds how long brokers may take to answer: seconds, but minutes where a machine has much else to do.
const startPatience = 5 * time.Minute

// Cluster is one cluster. Its brokers are numbered from 0; Kafka's node.id is one more.
type Cluster struct {
	cfg   Config
	tools tools
	id    string

	mu      sync.Mutex
	brokers []*broker
}

// New returns a cluster that was not started. The error wraps ErrNotFound where Java or the jars are missing.
func New(cfg Config) (*Cluster, error) {
	cfg.Brokers = max(cfg.Brokers, 1)
	if len(cfg.Ports) != 0 && len(cfg.Ports) != cfg.Brokers {
		return nil, fmt.Errorf("%d ports for %d brokers", len(cfg.Ports), cfg.Brokers)
	}
	if cfg.Protocol == "" {
		cfg.Protocol = "PLAINTEXT"
	}
	tools, err := find()
	if err != nil {
		return nil, err
	}
	return &Cluster{cfg: cfg, tools: tools}, nil
}

// Start formats storage where that is new, starts all brokers and returns once each has met all others.
func (c *Cluster) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.brokers != nil {
		return errors.New("cluster was started before")
	}
	if err := c.prepare(); err != nil {
		return fmt.Errorf("prepare Kafka: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	starting, ctx := errgroup.WithContext(ctx)
	for _, b := range c.brokers {
		starting.Go(func() error {
			if err := b.format(ctx, c.id, c.cfg.Users); err != nil {
				return err
			}
			if err := b.start(); err != nil {
				return err
			}
			return b.await(ctx, len(c.brokers))
		})
	}
	if err := starting.Wait(); err != nil {
		return errors.Join(err, c.close())
	}
	return nil
}

// prepare chooses ports and writes every broker's files.
func (c *Cluster) prepare() error {
	if err := os.MkdirAll(c.cfg.Dir, 0o700); err != nil {
		return err
	}
	var err error
	if c.id, err = clusterID(filepath.Join(c.cfg.Dir, "cluster.id")); err != nil {
		return err
	}
	c.brokers = make([]*broker, c.cfg.Brokers)
	for i := range c.brokers {
		b := &broker{tools: c.tools, id: i + 1, dir: filepath.Join(c.cfg.Dir, "broker-"+strconv.Itoa(i+1))}
		if err := errors.Join(freePort(&b.internal), freePort(&b.controller)); err != nil {
			return err
		}
		if len(c.cfg.Ports) > 0 {
			b.port = c.cfg.Ports[i]
		} else if err := freePort(&b.port); err != nil {
			return err
		}
		c.brokers[i] = b
	}
	for _, b := range c.brokers {
		if err := b.write(properties(c.cfg, b, c.brokers)); err != nil {
			return err
		}
	}
	return nil
}

// clusterID reads the id that a cluster got when it was new, or makes one.
func clusterID(file string) (string, error) {
	id, err := os.ReadFile(file)
	if err == nil {
		return string(id), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	random := make([]byte, 16)
	_, _ = rand.Read(random)
	fresh := base64.RawURLEncoding.EncodeToString(random)
	return fresh, os.WriteFile(file, []byte(fresh), 0o600)
}

// Addrs returns the brokers' addresses for clients, host:port.
func (c *Cluster) Addrs() []string { return c.addrs(func(b *broker) int { return b.port }) }

// Internal returns the addresses of the brokers' own listeners, host:port, in the clear and without authentication.
func (c *Cluster) Internal() []string { return c.addrs(func(b *broker) int { return b.internal }) }

func (c *Cluster) addrs(port func(*broker) int) []string {
	addrs := make([]string, len(c.brokers))
	for i, b := range c.brokers {
		addrs[i] = net.JoinHostPort(loopback, strconv.Itoa(port(b)))
	}
	return addrs
}

// Kill ends broker i's process at once, as a crash would. It returns when the process is gone.
func (c *Cluster) Kill(i int) error { return c.brokers[i].stop(os.Kill) }

// Stop lets broker i hand over what it leads and shut down. It returns when the process is gone.
func (c *Cluster) Stop(i int) error { return c.brokers[i].stop(syscall.SIGTERM) }

// Signal sends a signal to broker i's process, if it runs, and does not wait: SIGSTOP freezes it, SIGCONT lets it go on.
func (c *Cluster) Signal(i int, signal os.Signal) error { return c.brokers[i].signal(signal) }

// Restart starts broker i again, on the same ports and data, and returns once it is back among those that run.
func (c *Cluster) Restart(ctx context.Context, i int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := c.brokers[i].start(); err != nil {
		return err
	}
	return c.brokers[i].await(ctx, 1)
}

// Wait returns when broker i's process has ended.
func (c *Cluster) Wait(i int) { c.brokers[i].wait() }

// Output returns the end of what broker i has written to its log.
func (c *Cluster) Output(i int) string { return c.brokers[i].output() }

// Close ends all brokers at once. It may be called again.
func (c *Cluster) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.close()
}

func (c *Cluster) close() error {
	var errs []error
	for _, b := range c.brokers {
		errs = append(errs, b.stop(os.Kill))
	}
	return errors.Join(errs...)
}
