package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		serveForEver(dir)
	}
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, b *Broker) *kafka.Client {
	t.Helper()
	addr, err := b.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	transport := &kafka.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &kafka.Client{Addr: kafka.TCP(addr), Transport: transport, Timeout: 10 * time.Second}
}

func create(t *testing.T, c *kafka.Client, topic string) {
	t.Helper()
	resp, err := c.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 2, ReplicationFactor: 1}},
	})
	if err = errors.Join(err, resp.Errors[topic]); err != nil {
		t.Fatal(err)
	}
}

func produce(ctx context.Context, c *kafka.Client, topic string, codec kafka.Compression, values ...string) (first int64, err error) {
	records := make([]kafka.Record, len(values))
	for i, v := range values {
		records[i] = kafka.Record{Value: kafka.NewBytes([]byte(v)), Time: time.UnixMilli(1_700_000_000_000 + int64(i))}
	}
	resp, err := c.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, Partition: 1, RequiredAcks: kafka.RequireAll, Compression: codec, Records: kafka.NewRecordReader(records...),
	})
	if err != nil {
		return 0, err
	}
	return resp.BaseOffset, resp.Error
}

func fetch(t *testing.T, c *kafka.Client, topic string, offset int64) (values []string) {
	t.Helper()
	resp, err := c.Fetch(t.Context(), &kafka.FetchRequest{Topic: topic, Partition: 1, Offset: offset, MaxBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for {
		r, err := resp.Records.ReadRecord()
		if err != nil {
			return values
		}
		b, _ := kafka.ReadAll(r.Value)
		values = append(values, fmt.Sprintf("%d@%d=%s", r.Offset, r.Time.UnixMilli()%1000, b))
	}
}

func TestRoundTrip(t *testing.T) {
	c := start(t, New(Config{}, zerolog.Nop()))
	create(t, c, "t")
	for i, codec := range []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd} {
		if first, err := produce(t.Context(), c, "t", codec, "a", "b"); err != nil || first != int64(2*i) {
			t.Fatalf("codec %v: offset %d, %v", codec, first, err)
		}
	}
	got := fmt.Sprint(fetch(t, c, "t", 7))
	if want := "[7@1=b 8@0=a 9@1=b]"; got != want && got != "[6@0=a 7@1=b 8@0=a 9@1=b]" { // from the start of the batch
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := produce(t.Context(), c, "never-created", 0, "x"); err == nil {
		t.Error("a topic that nobody created was there")
	}
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	b := New(Config{DataDir: dir}, zerolog.Nop())
	c := start(t, b)
	create(t, c, "kept")
	if _, err := produce(t.Context(), c, "kept", kafka.Zstd, "a", "b", "c"); err != nil {
		t.Fatal(err)
	}
	commit, err := c.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
		GroupID: "g", GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{"kept": {{Partition: 1, Offset: 2, Metadata: "mark"}}},
	})
	if err = errors.Join(err, commit.Topics["kept"][0].Error); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}

	c = start(t, b)
	if got := fmt.Sprint(fetch(t, c, "kept", 0)); got != "[0@0=a 1@1=b 2@2=c]" {
		t.Errorf("records: %s", got)
	}
	offsets, err := c.OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{GroupID: "g", Topics: map[string][]int{"kept": {1}}})
	if err != nil {
		t.Fatal(err)
	}
	if at := offsets.Topics["kept"][0]; at.CommittedOffset != 2 || at.Metadata != "mark" {
		t.Errorf("offset %+v", at)
	}
	if first, err := produce(t.Context(), c, "kept", 0, "d"); err != nil || first != 3 {
		t.Errorf("the next record is at %d, %v", first, err)
	}
}

func TestConfig(t *testing.T) {
	b := New(Config{Listen: "0.0.0.0:9092"}, zerolog.Nop())
	if _, err := b.Start(); err == nil {
		t.Error("started on every address")
	}
	b = New(Config{Listen: "127.0.0.1:0"}, zerolog.Nop())
	start(t, b)
	if _, err := b.Start(); err == nil {
		t.Error("started twice")
	}
}
