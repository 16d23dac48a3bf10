package main

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"detour/internal/embedded/realkafka"
)

// keepsReports is for a simulated world, whose reports have the times of another year: by those, Kafka's retention would
// delete them at once.
var keepsReports = map[string]string{"log.retention.ms": "-1"}

// startBrokers starts what the settings ask for, and returns the addresses.
func (c *chaos) startBrokers(t *testing.T) []string {
	t.Helper()
	if c.settings.broker == embeddedBroker {
		address := quietPort(t)
		c.engines[kafkaEngine] = keep(t, kafkaEngine, engineCommand(t, kafkaEngine, address))
		return []string{address}
	}
	cluster := realkafka.Start(t, realkafka.Config{Brokers: c.settings.kafkas, Properties: keepsReports})
	for i := range c.settings.kafkas {
		b := &realBrokerProcess{t: t, cluster: cluster, number: i}
		t.Cleanup(b.busy.Wait)
		c.engines[fmt.Sprintf("%s-%d", kafkaEngine, i+1)] = b
	}
	return cluster.Addrs()
}

// realBrokerProcess is one broker of a real cluster, and a victim.
type realBrokerProcess struct {
	t       *testing.T
	cluster *realkafka.Cluster
	number  int

	mu   sync.Mutex
	away bool
	busy sync.WaitGroup
}

// kill ends the broker at once, and starts it again after a pause.
func (b *realBrokerProcess) kill(_ string, pause time.Duration) bool {
	return b.suffer(func(ctx context.Context) error {
		if err := b.cluster.Kill(b.number); err != nil {
			return err
		}
		sleep(ctx, pause)
		return b.cluster.Restart(ctx, b.number)
	})
}

func (b *realBrokerProcess) freeze(lasts time.Duration) bool {
	return b.suffer(func(ctx context.Context) error {
		if err := b.cluster.Signal(b.number, syscall.SIGSTOP); err != nil {
			return err
		}
		sleep(ctx, lasts)
		return b.cluster.Signal(b.number, syscall.SIGCONT)
	})
}

// suffer does something to a broker that is there, on the side.
func (b *realBrokerProcess) suffer(what func(context.Context) error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away {
		return false
	}
	b.away = true
	b.busy.Go(func() {
		ctx := b.t.Context()
		if err := what(ctx); err != nil && ctx.Err() == nil {
			b.t.Errorf("broker %d: %v", b.number+1, err)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.away = false
	})
	return true
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
