package kafkalog

import (
	"errors"
	"strings"
	"testing"

	"detour/internal/dataflow"
	"detour/internal/embedded/realkafka"
	"detour/schemas"
)

func TestIntegrationOneBroker(t *testing.T) {
	cluster := realkafka.Start(t, realkafka.Config{Properties: map[string]string{
		"auto.create.topics.enable": "true",
		"quota.window.num":          "2", // seconds that a rate is of; the usual 11 let a test's few records pass
	}})
	newLog := fresh(cluster.Addrs()[0])
	t.Run("contract", func(t *testing.T) { t.Parallel(); contract(t, newLog) })
	t.Run("retention by time", func(t *testing.T) { t.Parallel(); retentionByTime(t, newLog) })
	t.Run("quotas", func(t *testing.T) { t.Parallel(); quotas(t, newLog) })
	t.Run("quota far too low", func(t *testing.T) { t.Parallel(); quotaFarTooLow(t, newLog) })
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

// retentionByTime: the broker itself removes what is too old, by records' times, under a reader that stands in it.
func retentionByTime(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	const old = 1_700_000_000_000
	for i := range int64(5) {
		if _, err := c.Append(ctx, p0, []schemas.Record{{Time: old + i, Value: []byte("old")}}); err != nil {
			t.Fatal(err)
		}
	}
	if f, err := c.Fetch(ctx, p0, 1); err != nil || len(f.Records) != 4 {
		t.Fatalf("%+v, %v", f, err)
	}
	realkafka.SetTopic(t, c.cfg.Brokers[0], c.names.Of(schemas.Samples), "retention.ms", "60000")
	eventually(t, "retention", func() bool {
		start, _, err := c.Bounds(ctx, p0)
		return err == nil && start == 5
	})
	if _, err := c.Append(ctx, p0, one("new")); err != nil {
		t.Fatal(err)
	}
	f, err := c.Fetch(ctx, p0, 2)
	if !errors.Is(err, dataflow.ErrOutOfRange) || f.Start != 5 || f.End != 6 ||
		!strings.Contains(err.Error(), "fetch samples/0@2") || !strings.Contains(err.Error(), "the log holds 5 to 6") {
		t.Errorf("%+v, %v", f, err)
	}
	if got := readAll(t, c, p0, f.Start); len(got) != 1 || string(got[0].Value) != "new" {
		t.Errorf("behind it: %v", got)
	}
}
