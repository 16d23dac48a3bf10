package kafkalog

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"detour/internal/dataflow"
)

// encoded is a batch of one record as it lies in a log at offset.
func encoded(t *testing.T, offset int64, value string) []byte {
	t.Helper()
	var b bytes.Buffer
	set := protocol.RecordSet{Version: 2, Records: protocol.NewRecordReader(protocol.Record{Value: protocol.NewBytes([]byte(value))})}
	if _, err := set.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	raw := b.Bytes()[4:] // after the size of the set
	binary.BigEndian.PutUint64(raw, uint64(offset))
	return raw
}

// serve makes every fetch answer with these bytes.
func serve(cluster *kfake.Cluster, raw []byte) {
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req := r.(*kmsg.FetchRequest)
		res := req.ResponseKind().(*kmsg.FetchResponse)
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic = req.Topics[0].Topic
		partition := kmsg.NewFetchResponseTopicPartition()
		partition.HighWatermark = 100
		partition.RecordBatches = raw
		topic.Partitions = append(topic.Partitions, partition)
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
}

// TestDamagedBatch: a batch whose CRC is wrong is an error that names its place; good batches before it are read.
func TestDamagedBatch(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 1)
	damaged := encoded(t, 11, "damaged")
	damaged[len(damaged)-3] ^= 1
	serve(cluster, append(encoded(t, 10, "good"), damaged...))
	f, err := c.Fetch(bounded(t), p0, 10)
	if err != nil || len(f.Records) != 1 || string(f.Records[0].Value) != "good" || f.Next != 11 {
		t.Errorf("%+v, %v", f, err)
	}
	cluster2, addr := broker(t)
	c = client(t, testConfig(addr), uniqueNames(), 1)
	serve(cluster2, damaged)
	_, err = c.Fetch(bounded(t), p0, 11)
	if err == nil || !strings.Contains(err.Error(), "fetch samples/0@11") || !strings.Contains(err.Error(), "crc32") {
		t.Errorf("damaged: %v", err)
	}
}

// TestCutBatch: an answer may end in the middle of a batch, which then comes whole with the next.
func TestCutBatch(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 1)
	serve(cluster, append(encoded(t, 10, "whole"), encoded(t, 11, "cut")[:40]...))
	f, err := c.Fetch(bounded(t), p0, 10)
	if err != nil || len(f.Records) != 1 || f.Next != 11 {
		t.Errorf("%+v, %v", f, err)
	}
}

// transactionMarkers: the log holds a commit marker, which takes an offset and is no record.
func transactionMarkers(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	topic, id := c.names.Of(p0.Topic), c.names.Prefix
	producer, err := c.kafka.InitProducerID(ctx, &kafka.InitProducerIDRequest{
		TransactionalID: id, TransactionTimeoutMs: 10_000, ProducerID: -1, ProducerEpoch: -1,
	})
	if err != nil || producer.Error != nil {
		t.Fatal(err, producer)
	}
	session := producer.Producer
	if _, err := c.kafka.AddPartitionsToTxn(ctx, &kafka.AddPartitionsToTxnRequest{
		TransactionalID: id, ProducerID: session.ProducerID, ProducerEpoch: session.ProducerEpoch,
		Topics: map[string][]kafka.AddPartitionToTxn{topic: {{Partition: 0}}},
	}); err != nil {
		t.Fatal(err)
	}
	end, err := c.kafka.EndTxn(ctx, &kafka.EndTxnRequest{
		TransactionalID: id, ProducerID: session.ProducerID, ProducerEpoch: session.ProducerEpoch, Committed: true,
	})
	if err != nil || end.Error != nil {
		t.Fatal(err, end)
	}
	var f dataflow.Fetched
	eventually(t, "marker", func() bool {
		f, err = c.Fetch(ctx, p0, 0)
		return err != nil || f.End > 0
	})
	if f, err = c.Fetch(ctx, p0, 0); err != nil || len(f.Records) != 0 || f.Next != 1 || f.End != 1 {
		t.Errorf("a marker: %+v, %v", f, err)
	}
	if _, err := c.Append(ctx, p0, one("v")); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, c, p0, 0); len(got) != 1 || got[0].Offset != 1 {
		t.Errorf("%+v", got)
	}
}
