package kafkalog

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"detour/internal/embedded/realkafka"
	"detour/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds a whole test's waiting; nothing asserts a time within it. Brokers that start and fall over take longer.
var patience = func() time.Duration {
	if os.Getenv(realkafka.IntegrationEnv) != "" {
		return 5 * time.Minute
	}
	return time.Minute
}()

// testConfig is quick to notice, and to give up, what in production takes seconds.
func testConfig(brokers ...string) Config {
	cfg := Default()
	cfg.Brokers = brokers
	cfg.FetchMaxWait = 50 * time.Millisecond
	cfg.SessionTimeout = 2 * time.Second
	return cfg
}

// quickSessions lets members be as quick as testConfig wants.
var quickSessions = kfake.GroupMinSessionTimeout(100 * time.Millisecond)

// broker starts a one-broker cluster; stop is for tests that start it again.
func broker(t testing.TB, opts ...kfake.Opt) (*kfake.Cluster, string) {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{
		kfake.Ports(0), kfake.NumBrokers(1), quickSessions,
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, c.ListenAddrs()[0]
}

var prefixes atomic.Int64

// uniqueNames keeps tests apart that share a cluster.
func uniqueNames() schemas.Names {
	prefix := fmt.Sprintf("t%d-%d", time.Now().UnixMilli(), prefixes.Add(1))
	return schemas.Names{Prefix: prefix, Reports: prefix + ".reports"}
}

// client returns one whose topics exist with the given number of partitions each.
func client(t testing.TB, cfg Config, names schemas.Names, partitions int) *Client {
	t.Helper()
	c, err := New(cfg, names, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if partitions == 0 {
		return c
	}
	var specs []TopicSpec
	for _, topic := range []schemas.Topic{schemas.Reports, schemas.Samples} {
		specs = append(specs, TopicSpec{topic, partitions, map[string]string{"max.message.bytes": "2097152"}})
	}
	if err := c.EnsureTopics(t.Context(), specs); err != nil {
		t.Fatal(err)
	}
	return c
}

// fresh makes the clients of a contract suite.
func fresh(addr string) func(testing.TB, int) *Client {
	return func(t testing.TB, partitions int) *Client {
		return client(t, testConfig(addr), uniqueNames(), partitions)
	}
}

func TestContract(t *testing.T) {
	t.Parallel()
	_, addr := broker(t)
	contract(t, fresh(addr))
}

func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// lines is a log that tests read.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}
