package kafkalog

import (
	"bytes"
	"math/rand"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"detour/schemas"
)

// limit sets a quota of one client, in bytes per second.
func limit(t testing.TB, c *Client, key string, rate float64) {
	t.Helper()
	res, err := c.kafka.AlterClientQuotas(bounded(t), &kafka.AlterClientQuotasRequest{Entries: []kafka.AlterClientQuotaEntry{{
		Entities: []kafka.AlterClientQuotaEntity{{EntityType: "client-id", EntityName: c.cfg.ClientID}},
		Ops:      []kafka.AlterClientQuotaOps{{Key: key, Value: rate}},
	}}})
	if err != nil || res.Entries[0].Error != nil {
		t.Fatal(err, res)
	}
}

// quotas: a client that writes and reads more than it may is slowed down, and that is all. Nobody is told that a topic
// does not exist, or that a broker is gone.
func quotas(t *testing.T, newLog func(testing.TB, int) *Client) {
	const records, rate = 25, 100_000
	made := newLog(t, 1)
	cfg := made.cfg
	cfg.ClientID, cfg.FetchMaxBytes = "quota-"+made.names.Prefix, 50_000
	var log lines
	c, err := New(cfg, made.names, zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	limit(t, c, "producer_byte_rate", rate)
	limit(t, c, "consumer_byte_rate", rate)
	ctx := bounded(t)
	value := make([]byte, 10_000)
	rand.New(rand.NewSource(1)).Read(value)
	for i := range int64(records) {
		value[0] = byte(i)
		if first, err := c.Append(ctx, p0, []schemas.Record{{Value: value}}); err != nil || first != i {
			t.Fatalf("append %d: %d, %v", i, first, err)
		}
	}
	if throttled := throttle(t, c); throttled == 0 {
		t.Error("the producer was not throttled: the test proves nothing")
	}
	got := readAll(t, c, p0, 0)
	if len(got) != records {
		t.Fatalf("read %d", len(got))
	}
	for i, r := range got {
		if r.Value[0] != byte(i) || !bytes.Equal(r.Value[1:], value[1:]) {
			t.Fatalf("record %d is another", i)
		}
	}
	if log.count("waiting for samples/0: throttling quota exceeded") == 0 || log.count("waiting") != log.count("throttling") {
		t.Errorf("log: %s", log.b.String())
	}
}

// quotaFarTooLow: the broker wants to hear nothing for longer than a request may take. That does not make an append that was
// sent meanwhile appear twice.
func quotaFarTooLow(t *testing.T, newLog func(testing.TB, int) *Client) {
	made := newLog(t, 1)
	cfg := made.cfg
	cfg.ClientID, cfg.Compression = "low-"+made.names.Prefix, "none"
	c, err := New(cfg, made.names, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	limit(t, c, "producer_byte_rate", 10_000)
	for i := range int64(2) {
		if first, err := c.Append(bounded(t), p0, []schemas.Record{{Value: make([]byte, 300_000)}}); err != nil || first != i {
			t.Fatalf("append %d: %d, %v", i, first, err)
		}
	}
	if wants := throttle(t, c); time.Duration(wants)*time.Millisecond < requestTimeout {
		t.Errorf("the broker is content with %d ms: the test proves nothing", wants)
	}
	if got := readAll(t, made, p0, 0); len(got) != 2 {
		t.Errorf("two appends are %d records", len(got))
	}
}

// throttle writes a record too many and returns for how long the broker wants to hear nothing more, in milliseconds.
func throttle(t testing.TB, c *Client) int32 {
	t.Helper()
	request := kmsg.NewPtrProduceRequest()
	topic, partition := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
	partition.Records = at(0, string(make([]byte, 10_000))).bytes()
	topic.Topic, topic.Partitions = c.names.Of(schemas.Reports), append(topic.Partitions, partition)
	request.Acks, request.TimeoutMillis, request.Topics = -1, 10_000, append(request.Topics, topic)
	return ask[*kmsg.ProduceResponse](t, c, request, 3).ThrottleMillis
}
