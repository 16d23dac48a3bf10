package kafkalog

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// raw describes a batch as it lies in a log: what no producer would write too.
type raw struct {
	base       int64
	last       int32 // offset of the last record, from base
	attributes int16
	producer   int64
	count      int32
	body       []byte // the records; compress stores them otherwise
}

// at is a batch of records with these values, from an offset on.
func at(base int64, values ...string) raw {
	r := raw{base: base, last: int32(len(values)) - 1, count: int32(len(values)), producer: -1}
	for i, v := range values {
		r.body = append(r.body, record(int64(i), v)...)
	}
	return r
}

// record is one record without key or headers.
func record(delta int64, value string) []byte {
	b := []byte{0, 0} // attributes, time
	b = binary.AppendVarint(b, delta)
	b = binary.AppendVarint(b, -1)
	b = binary.AppendVarint(b, int64(len(value)))
	b = append(append(b, value...), 0)
	return append(binary.AppendVarint(nil, int64(len(b))), b...)
}

// with gives it attributes, and a producer.
func (r raw) with(attributes int16, producer int64) raw {
	r.attributes, r.producer = attributes, producer
	return r
}

// until makes the batch end at another offset than its records do.
func (r raw) until(to int64) raw {
	r.last = int32(to - r.base - 1)
	return r
}

// bytes encodes it with the right length and CRC.
func (r raw) bytes() []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(r.base))
	b = binary.BigEndian.AppendUint32(b, uint32(batchHead-batchPrefix+len(r.body)))
	b = append(b, 0, 0, 0, 0, 2, 0, 0, 0, 0) // epoch, magic, CRC
	b = binary.BigEndian.AppendUint16(b, uint16(r.attributes))
	b = binary.BigEndian.AppendUint32(b, uint32(r.last))
	b = append(b, make([]byte, 16)...) // times
	b = binary.BigEndian.AppendUint64(b, uint64(r.producer))
	b = append(b, make([]byte, 6)...) // epoch, sequence
	b = binary.BigEndian.AppendUint32(b, uint32(r.count))
	return sum(append(b, r.body...))
}

// sum writes the CRC that a batch has to have.
func sum(b []byte) []byte {
	binary.BigEndian.PutUint32(b[batchCRC:], crc32.Checksum(b[batchBody:], castagnoli))
	return b
}

// flip turns one bit.
func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 0x10
	return b
}

// compressed stores the records with each codec of the protocol.
func (r raw) compressed(t testing.TB, codec int16) raw {
	t.Helper()
	var b bytes.Buffer
	var err error
	write := func(w interface {
		Write([]byte) (int, error)
		Close() error
	},
	) {
		if _, err = w.Write(r.body); err == nil {
			err = w.Close()
		}
	}
	switch codec {
	case 1:
		write(gzip.NewWriter(&b))
	case 2:
		b.Write(snappy.Encode(nil, r.body))
	case 3:
		write(lz4.NewWriter(&b))
	case 4:
		z, zerr := zstd.NewWriter(&b)
		if zerr != nil {
			t.Fatal(zerr)
		}
		write(z)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.body, r.attributes = b.Bytes(), r.attributes|codec
	return r
}

// shelf is what a broker's partition holds: batches as bytes, and to which offset each belongs by the broker's index.
type shelf struct {
	batches []book
	corrupt func(offset int64) bool // what the broker itself refuses
	aborted []aborted
	stable  int64 // 0: all of it
}

type book struct {
	to    int64
	bytes []byte
}

// put adds a batch at its place.
func (s *shelf) put(r raw) *shelf { return s.bad(r.base+int64(r.last)+1, r.bytes()) }

// bad adds bytes that end at an offset by the broker's index.
func (s *shelf) bad(to int64, b []byte) *shelf {
	s.batches = append(s.batches, book{to, b})
	return s
}

func (s *shelf) end() int64 { return s.batches[len(s.batches)-1].to }

// serve makes a broker answer every fetch from a shelf, as Kafka does: from the batch with the offset on, at least one.
func (s *shelf) serve(cluster *kfake.Cluster) {
	cluster.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req := r.(*kmsg.ListOffsetsRequest)
		res := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		topic, partition := kmsg.NewListOffsetsResponseTopic(), kmsg.NewListOffsetsResponseTopicPartition()
		topic.Topic = req.Topics[0].Topic
		if partition.Offset = 0; req.Topics[0].Partitions[0].Timestamp == -1 {
			partition.Offset = s.end()
		}
		topic.Partitions = append(topic.Partitions, partition)
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
	cluster.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		req := r.(*kmsg.FetchRequest)
		res := req.ResponseKind().(*kmsg.FetchResponse)
		topic := kmsg.NewFetchResponseTopic()
		topic.Topic = req.Topics[0].Topic
		topic.Partitions = append(topic.Partitions, s.answer(req.Topics[0].Partitions[0].FetchOffset, int(req.MaxBytes)))
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
}

func (s *shelf) answer(offset int64, room int) kmsg.FetchResponseTopicPartition {
	a := kmsg.NewFetchResponseTopicPartition()
	a.HighWatermark, a.LastStableOffset, a.LogStartOffset = s.end(), s.end(), 0
	if s.stable != 0 {
		a.LastStableOffset = s.stable
	}
	if s.corrupt != nil && s.corrupt(offset) {
		a.ErrorCode = 2
		return a
	}
	for _, t := range s.aborted {
		txn := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
		txn.ProducerID, txn.FirstOffset = t.producer, t.first
		a.AbortedTransactions = append(a.AbortedTransactions, txn)
	}
	for _, b := range s.batches {
		if b.to <= offset || b.to > a.LastStableOffset {
			continue
		}
		if len(a.RecordBatches) > 0 && len(a.RecordBatches)+len(b.bytes) > room {
			a.RecordBatches = append(a.RecordBatches, b.bytes[:len(b.bytes)/2]...) // Kafka cuts where it ends
			break
		}
		a.RecordBatches = append(a.RecordBatches, b.bytes...)
	}
	return a
}

// rawSet is a batch as a produce request takes it: behind its length.
func rawSet(b []byte) protocol.RawRecordSet {
	return protocol.RawRecordSet{Reader: bytes.NewReader(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))}
}
