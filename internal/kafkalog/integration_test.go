package kafkalog

import (
	"testing"

	"detour/internal/embedded/realkafka"
)

func TestIntegrationOneBroker(t *testing.T) {
	cluster := realkafka.Start(t, realkafka.Config{Properties: map[string]string{
		"auto.create.topics.enable": "true",
		"quota.window.num":          "2", // seconds that a rate is of; the usual 11 let a test's few records pass
	}})
	newLog := fresh(cluster.Addrs()[0])
	t.Run("contract", func(t *testing.T) { t.Parallel(); contract(t, newLog) })
	t.Run("quotas", func(t *testing.T) { t.Parallel(); quotas(t, newLog) })
	t.Run("hardships", func(t *testing.T) { t.Parallel(); hardships(t, newLog) })
}

// TestIntegrationRestart: a broker is killed, in the middle of appends, fetches and commits, and started again.
func TestIntegrationRestart(t *testing.T) {
	cluster := realkafka.Start(t, realkafka.Config{})
	o := outages{c: client(t, testConfig(cluster.Addrs()...), uniqueNames(), 2), partitions: 2, out: func(func() int64) func() {
		if err := cluster.Kill(0); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := cluster.Restart(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
	}}
	o.run(t, 2)
}
