package kafkalog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"

	"detour/schemas"
)

// gathered describes what an answer with these batches gives from an offset on.
func gathered(p schemas.Partition, offset int64, txns []aborted, batches ...raw) (string, error) {
	a := answer{end: 100, aborted: txns}
	for _, b := range batches {
		a.batches = append(a.batches, b.bytes()...)
	}
	f, err := gather(&a, p, offset)
	var s strings.Builder
	for _, r := range f.Records {
		fmt.Fprintf(&s, "%d=%s ", r.Offset, r.Value)
	}
	return fmt.Sprintf("%snext %d", s.String(), f.Next), err
}

// TestGather: what of an answer's batches is read, and where the next fetch begins.
func TestGather(t *testing.T) {
	t.Parallel()
	marker := func(base int64, producer int64) raw {
		return at(base, "m").with(transactional|control, producer)
	}
	txn := func(base int64, producer int64, values ...string) raw {
		return at(base, values...).with(transactional, producer)
	}
	for name, test := range map[string]struct {
		offset  int64
		aborted []aborted
		batches []raw
		want    string
	}{
		"from the start":             {10, nil, []raw{at(10, "a", "b")}, "10=a 11=b next 12"},
		"from the middle":            {11, nil, []raw{at(10, "a", "b", "c")}, "11=b 12=c next 13"},
		"a hole":                     {10, nil, []raw{at(14, "a"), at(20, "b")}, "14=a 20=b next 21"},
		"compacted at its end":       {10, nil, []raw{at(10, "a").until(15), at(15, "b")}, "10=a 15=b next 16"},
		"a marker alone":             {10, nil, []raw{marker(10, 7)}, "next 11"},
		"a marker at the end":        {10, nil, []raw{at(10, "a"), marker(11, 7)}, "10=a next 12"},
		"an empty batch":             {10, nil, []raw{at(10).until(14)}, "next 14"},
		"an empty batch around":      {12, nil, []raw{at(10).until(14)}, "next 14"},
		"an empty batch, then a one": {12, nil, []raw{at(10).until(20), at(20, "a")}, "20=a next 21"},

		"a committed transaction":       {10, nil, []raw{txn(10, 7, "a"), marker(11, 7)}, "10=a next 12"},
		"an aborted one":                {10, []aborted{{7, 10}}, []raw{txn(10, 7, "a"), marker(11, 7), at(12, "b")}, "12=b next 13"},
		"aborted, from its middle":      {11, []aborted{{7, 10}}, []raw{txn(10, 7, "a", "b"), txn(12, 7, "c"), marker(13, 7)}, "next 14"},
		"aborted, begun before":         {12, []aborted{{7, 3}}, []raw{txn(12, 7, "c"), marker(13, 7), txn(14, 7, "d")}, "14=d next 15"},
		"others in between":             {10, []aborted{{7, 10}}, []raw{txn(10, 7, "a"), txn(11, 8, "b"), at(12, "c").with(0, 7), marker(13, 8), marker(14, 7)}, "11=b 12=c next 15"},
		"aborted, committed, aborted":   {10, []aborted{{7, 14}, {7, 10}}, []raw{txn(10, 7, "a"), marker(11, 7), txn(12, 7, "b"), marker(13, 7), txn(14, 7, "c"), marker(15, 7)}, "12=b next 16"},
		"two producers, both aborted":   {10, []aborted{{7, 10}, {8, 11}}, []raw{txn(10, 7, "a"), txn(11, 8, "b"), marker(12, 7), txn(13, 8, "c"), marker(14, 8)}, "next 15"},
		"none of them is in the answer": {10, []aborted{{7, 30}}, []raw{txn(10, 7, "a")}, "10=a next 11"},
	} {
		if got, err := gathered(p0, test.offset, test.aborted, test.batches...); got != test.want || err != nil {
			t.Errorf("%s: %s, %v; want %s", name, got, err, test.want)
		}
	}
}

func TestEveryCompressionIsRead(t *testing.T) {
	t.Parallel()
	for codec := range int16(5) {
		b := at(10, "a", strings.Repeat("b", 300_000), "c")
		if codec != 0 {
			b = b.compressed(t, codec)
		}
		if got, err := gathered(p0, 11, nil, b); len(got) != 300_000+len("11= 12=c next 13") || err != nil {
			t.Errorf("codec %d: %d bytes, %v", codec, len(got), err)
		}
	}
	b := at(10, "a", "b") // as snappy-java writes it: each record a block
	java := append([]byte{}, xerial...)
	java = append(java, 0, 0, 0, 1, 0, 0, 0, 1)
	for _, v := range []string{"a", "b"} {
		one := at(0, v)
		if v == "b" {
			one.body = record(1, v)
		}
		block := one.compressed(t, 2).body
		java = append(binary.BigEndian.AppendUint32(java, uint32(len(block))), block...)
	}
	b.body, b.attributes = java, 2
	if got, err := gathered(p0, 10, nil, b); got != "10=a 11=b next 12" || err != nil {
		t.Errorf("snappy-java: %s, %v", got, err)
	}
}

// TestLogAppendTimeOfReportsIsRefused: kfake doesn't flag batches, as brokers do.
func TestLogAppendTimeOfReportsIsRefused(t *testing.T) {
	flagged := at(10, "a").with(logAppendTime, -1)
	if got, err := gathered(schemas.Partition{Topic: schemas.Reports}, 10, nil, flagged); !errors.Is(err, errLogAppendTime) {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := gathered(p0, 10, nil, flagged); err != nil {
		t.Errorf("only reports carry event time: %v", err)
	}
}

// TestCutBatch: an answer may end in the middle of a batch, which then comes whole with the next.
func TestCutBatch(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	cfg := testConfig(addr)
	cfg.FetchMaxBytes = minFetchBytes
	c := client(t, cfg, uniqueNames(), 1)
	large := strings.Repeat("x", 700)
	new(shelf).put(at(0, large)).put(at(1, large)).put(at(2, large)).serve(cluster)
	for offset := range int64(3) {
		f, err := c.Fetch(bounded(t), p0, offset)
		if err != nil || len(f.Records) != 1 || f.Next != offset+1 {
			t.Errorf("from %d: %d records, next %d, %v", offset, len(f.Records), f.Next, err)
		}
	}
}

// transactions: what was aborted does not count, what is open does not come yet, and markers are no records.
func transactions(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	topic, id := c.names.Of(p0.Topic), c.names.Prefix
	var producer *kafka.InitProducerIDResponse
	eventually(t, "a transaction coordinator", func() (ok bool) { // a real cluster first has to make its topic
		var err error
		producer, err = c.kafka.InitProducerID(ctx, &kafka.InitProducerIDRequest{
			TransactionalID: id, TransactionTimeoutMs: 10_000, ProducerID: -1, ProducerEpoch: -1,
		})
		return err == nil && producer.Error == nil
	})
	session := producer.Producer
	begin := func() {
		t.Helper()
		if _, err := c.kafka.AddPartitionsToTxn(ctx, &kafka.AddPartitionsToTxnRequest{
			TransactionalID: id, ProducerID: session.ProducerID, ProducerEpoch: session.ProducerEpoch,
			Topics: map[string][]kafka.AddPartitionToTxn{topic: {{Partition: 0}}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	sequence := int32(0)
	write := func(value string) {
		t.Helper()
		b := at(0, value).with(transactional, int64(session.ProducerID)).bytes()
		binary.BigEndian.PutUint16(b[51:], uint16(session.ProducerEpoch))
		binary.BigEndian.PutUint32(b[53:], uint32(sequence))
		sequence++
		produceRaw(t, c, topic, id, sum(b))
	}
	end := func(commit bool) {
		t.Helper()
		res, err := c.kafka.EndTxn(ctx, &kafka.EndTxnRequest{
			TransactionalID: id, ProducerID: session.ProducerID, ProducerEpoch: session.ProducerEpoch, Committed: commit,
		})
		if err != nil || res.Error != nil {
			t.Fatal(err, res)
		}
	}
	whole := func(want int64) (got string) {
		t.Helper()
		eventually(t, "read to its end", func() bool {
			got = ""
			var next int64
			for {
				f, err := c.Fetch(ctx, p0, next)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range f.Records {
					got += string(r.Value)
				}
				if f.Next == next {
					return next == want
				}
				next = f.Next
			}
		})
		return got
	}
	begin()
	write("a")
	if _, err := c.Append(ctx, p0, one("b")); err != nil {
		t.Fatal(err)
	}
	if got := whole(0); got != "" {
		t.Errorf("an open transaction: %s", got)
	}
	if _, end, err := c.Bounds(ctx, p0); err != nil || end != 2 {
		t.Errorf("it ends at %d, %v", end, err)
	}
	end(false)
	if got := whole(3); got != "b" {
		t.Errorf("after an abort: %s", got)
	}
	begin()
	write("c")
	end(true)
	if got := whole(5); got != "bc" {
		t.Errorf("after a commit: %s", got)
	}
	if f, err := c.Fetch(ctx, p0, 4); err != nil || len(f.Records) != 0 || f.Next != 5 || f.End != 5 {
		t.Errorf("the last marker: %+v, %v", f, err)
	}
	if f, err := c.Fetch(ctx, p0, 5); err != nil || f.Next != 5 || f.End != 5 {
		t.Errorf("behind it: %+v, %v", f, err)
	}
	if _, err := c.Append(ctx, p0, one("d")); err != nil {
		t.Fatal(err)
	}
	if got := whole(6); got != "bcd" {
		t.Errorf("then: %s", got)
	}
}

// TestAnOpenTransactionIsNamed: nothing behind its beginning comes, and a log line says why.
func TestAnOpenTransactionIsNamed(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	names := uniqueNames()
	client(t, testConfig(addr), names, 1)
	var log lines
	c, err := New(testConfig(addr), names, zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	s := new(shelf).put(at(0, "a")).put(at(1, "b").with(transactional, 7)).put(at(2, "c"))
	s.stable = 1
	s.serve(cluster)
	for range 2 {
		if f, err := c.Fetch(bounded(t), p0, 1); err != nil || len(f.Records) != 0 || f.Next != 1 || f.End != 3 {
			t.Errorf("%+v, %v", f, err)
		}
	}
	if log.count("waiting for the end of a transaction in samples/0: it is open since offset 1 of 3") != 1 || log.count("waiting") != 1 {
		t.Errorf("log: %s", log.b.String())
	}
	s.stable = 3
	if got := read(t, c, p0, 1); got != "1 b\n2 c" || log.count("going on") != 1 {
		t.Errorf("read %s, log %s", got, log.b.String())
	}
}

// produceRaw sends a batch as it is.
func produceRaw(t testing.TB, c *Client, topic, transaction string, b []byte) {
	t.Helper()
	res, err := c.kafka.RawProduce(bounded(t), &kafka.RawProduceRequest{
		Topic: topic, RequiredAcks: kafka.RequireAll, TransactionalID: transaction, RawRecords: rawSet(b),
	})
	if err != nil || res.Error != nil {
		t.Fatal(err, res)
	}
}
