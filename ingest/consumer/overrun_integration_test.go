package consumer

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/dataflow/memlog"
	"detour/internal/embedded/realkafka"
	"detour/internal/kafkalog"
	"detour/schemas"
	"detour/schemas/sample"
)

// until waits for a condition, for as long as a broker may take.
func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

// TestIntegrationRetentionOvertakesIngest: while ingest is away Kafka removes reports that it has not read. It says which,
// goes on behind them, and the batch there shows the hole.
func TestIntegrationRetentionOvertakesIngest(t *testing.T) {
	cluster := realkafka.Start(t, realkafka.Config{})
	names := schemas.Names{Prefix: "overrun", Reports: "reports"}
	cfg := kafkalog.Default()
	cfg.Brokers = cluster.Addrs()
	log, err := kafkalog.New(cfg, names, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	if err := log.EnsureTopics(ctx, []kafkalog.TopicSpec{
		{Topic: schemas.Reports, Partitions: 1}, {Topic: schemas.Samples, Partitions: 1}, {Topic: schemas.Rejects, Partitions: 1},
	}); err != nil {
		t.Fatal(err)
	}
	put := func(r schemas.Record) {
		t.Helper()
		if _, err := log.Append(ctx, reports, []schemas.Record{r}); err != nil {
			t.Fatal(err)
		}
	}
	ingested := func(logger zerolog.Logger, offset int64) { // runs a consumer until it has committed that
		t.Helper()
		c := newConsumer(memlog.All(1), nil, Config{})
		c.Log, c.Members, c.Logger = log, kafkalog.NewGroup(log), logger
		run, stop := context.WithCancel(ctx)
		defer stop()
		ended := make(chan error)
		go func() { ended <- c.Run(run) }()
		until(t, "it committed", func() bool {
			at, err := log.Positions(ctx, c.Group, schemas.Reports, 1)
			return err == nil && at[0].Offset == offset
		})
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	report := schemas.Record{Time: 1_001_000, Value: []byte(one)}
	put(schemas.Heartbeat(reports, 1_000_000))
	ingested(zerolog.Nop(), 1)
	for range 4 {
		put(report)
	}
	realkafka.SetTopic(t, cfg.Brokers[0], names.Reports, "retention.ms", "60000") // by records' times, and these are of 1970
	until(t, "retention", func() bool { start, _, err := log.Bounds(ctx, reports); return err == nil && start == 5 })
	realkafka.SetTopic(t, cfg.Brokers[0], names.Reports, "retention.ms", "-1")
	for range 2 {
		put(report)
	}
	var said bytes.Buffer
	ingested(zerolog.New(&said), 7)
	want := `{"level":"error","partition":"reports/0","from":1,"to":5,"lost":4,"message":"reports are lost: retention removed them before they were read"}`
	if !bytes.Contains(said.Bytes(), []byte(want)) {
		t.Errorf("it said %s", said.String())
	}
	f, err := log.Fetch(ctx, samples, 0)
	if err != nil {
		t.Fatal(err)
	}
	last, err := sample.Decode(f.Records[len(f.Records)-1].Value)
	if err != nil {
		t.Fatal(err)
	}
	if first, err := sample.Decode(f.Records[0].Value); err != nil || first.Head.To != 1 || last.Head.To != 7 {
		t.Errorf("samples reach from %+v to %+v, %v", first.Head, last.Head, err)
	}
	for _, r := range f.Records[1:] {
		if b, err := sample.Decode(r.Value); err != nil || b.Head.From < 5 {
			t.Errorf("a batch of [%d, %d), %v", b.Head.From, b.Head.To, err)
		}
	}
}
