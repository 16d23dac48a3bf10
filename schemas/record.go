package schemas

import "fmt"

// Partition names one partition of one topic.
type Partition struct {
	Topic  Topic
	Number int32
}

func (p Partition) String() string { return fmt.Sprintf("%s/%d", p.Topic, p.Number) }

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Record is one record of a log: as it was read, or (Offset unused) as it is to be appended.
type Record struct {
	Partition Partition
	Offset    int64 // position in the partition
	Time      int64 // milliseconds since the Unix epoch, as the producer set it
	Key       []byte
	Value     []byte
	Headers   []Header
}

// Header returns the value of the last header named key, and whether there is one.
func (r *Record) Header(key string) ([]byte, bool) {
	for i := len(r.Headers) - 1; i >= 0; i-- {
		if r.Headers[i].Key == key {
			return r.Headers[i].Value, true
		}
	}
	return nil, false
}

// At names the record's place for an error or a log line: topic/partition@offset.
func (r *Record) At() string { return fmt.Sprintf("%s@%d", r.Partition, r.Offset) }

// Headers of a record in the reports topic that the collector may set. They win over what the report itself says: the
// collector is trusted, a device is not.
const (
	ResolverHeader = "detour-resolver" // IP address of the recursive resolver
	ASNHeader      = "detour-asn"      // of the client, decimal
	CountryHeader  = "detour-country"  // of the client, two letters
	ClientHeader   = "detour-client"   // address or id of the client
)

// HeartbeatHeader marks a record of the reports topic that carries no report, only its time: "the log was read to
// its end, and it is this late". Its value is ignored.
const HeartbeatHeader = "detour-heartbeat"

// Heartbeat returns the heartbeat to append to a partition of the reports topic at a time in ms.
func Heartbeat(p Partition, ms int64) Record {
	return Record{Partition: p, Time: ms, Headers: []Header{{Key: HeartbeatHeader, Value: []byte{}}}}
}

// UnreadableHeader marks the record that a reader is handed in place of a stretch of a log that can't be read: a batch
// that was damaged where it is stored. It has no value; the header says why, and which offsets are lost.
const UnreadableHeader = "detour-unreadable"

// Unreadable returns what stands for the offsets [from, to) of a partition.
func Unreadable(p Partition, from, to int64, why string) Record {
	text := fmt.Sprintf("%s: offsets [%d, %d) can't be read", why, from, to)
	return Record{Partition: p, Offset: from, Headers: []Header{{Key: UnreadableHeader, Value: []byte(text)}}}
}

// Unreadable returns what r says of a stretch of its log that it stands for, and whether it does.
func (r *Record) Unreadable() (why string, lost bool) {
	text, has := r.Header(UnreadableHeader)
	return string(text), has && len(r.Value) == 0
}
