package kafkalog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	fetchAPI "github.com/segmentio/kafka-go/protocol/fetch"

	"detour/schemas"
)

// allocated returns how many bytes fn allocates.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestAFewBytesDoNotTakeGigabytes: what a batch claims of itself is not believed.
func TestAFewBytesDoNotTakeGigabytes(t *testing.T) {
	huge := binary.AppendUvarint(nil, 0xffffffff)
	java := append(append([]byte{}, xerial...), 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 1, 2, 3)
	window := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 0x01, 0x00, 0x00, 'x'} // 2 TiB back
	for name, b := range map[string]raw{
		"a snappy block of 4 GiB":  {count: 1, attributes: 2, body: append(huge, 1, 2, 3)},
		"a snappy frame of 4 GiB":  {count: 1, attributes: 2, body: java},
		"a zstd window of 2 TiB":   {count: 1, attributes: 4, body: window},
		"a record of 1 GiB":        {count: 1, body: binary.AppendVarint(nil, 1<<30)},
		"two billion records":      {count: 1<<31 - 1, last: 1<<31 - 2, body: []byte{1}},
		"a billion headers":        {count: 1, body: bytes.Join([][]byte{{26, 0, 0, 0, 1, 1}, binary.AppendVarint(nil, 1<<30), {0, 0, 0}}, nil)},
		"a key longer than itself": {count: 1, body: bytes.Join([][]byte{{26, 0, 0, 0}, binary.AppendVarint(nil, 1<<40), {0, 0, 0}}, nil)},
	} {
		a := answer{end: 1 << 40, batches: b.bytes()}
		var err error
		if n := allocated(func() { _, err = gather(&a, p0, 0) }); n > 16<<20 || err == nil {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
}

// TestABatchThatInflatesComesInParts: each fetch takes a bounded part of it into memory, and all of it is read.
func TestABatchThatInflatesComesInParts(t *testing.T) {
	const records, size = 5, 20 << 20
	cluster, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 1)
	values := make([]string, records)
	for i := range values {
		values[i] = strings.Repeat("x", size)
	}
	new(shelf).put(at(0, values...).compressed(t, 4)).put(at(records, "behind")).serve(cluster)
	for next := int64(0); next < records+1; {
		f, err := c.Fetch(bounded(t), p0, next)
		if err != nil || len(f.Records) == 0 || len(f.Records) > maxDecoded/size+1 || f.Records[0].Offset != next {
			t.Fatalf("from %d: %d records, %v", next, len(f.Records), err)
		}
		for _, r := range f.Records {
			if want := 6 + (size-6)*min(1, int(records-r.Offset)); len(r.Value) != want {
				t.Fatalf("offset %d: %d bytes, want %d", r.Offset, len(r.Value), want)
			}
		}
		next = f.Next
	}
}

// TestARecordBeyondMeasureIsPassedOver: but those before it in its batch, and what is behind the batch, are read.
func TestARecordBeyondMeasureIsPassedOver(t *testing.T) {
	cluster, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 1)
	new(shelf).put(at(0, "a", strings.Repeat("x", maxRecord), "c").compressed(t, 4)).put(at(3, "d")).serve(cluster)
	got := read(t, c, p0, 0)
	if !strings.HasPrefix(got, "0 a\n1 lost: ") || !strings.HasSuffix(got, ": a record of 67108873 bytes: offsets [1, 3) can't be read\n3 d") {
		t.Errorf("read %s", got)
	}
}

// TestADamageThatPassesIsNoLoss: what comes whole at a later try is read.
func TestADamageThatPassesIsNoLoss(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 1)
	good := at(0, "a", "b").bytes()
	s := new(shelf).bad(2, good)
	tries := 0
	s.corrupt = func(int64) bool { // called once an answer
		tries++
		s.batches[0].bytes = good
		if tries < maxStrange {
			s.batches[0].bytes = flip(good, len(good)-1)
		}
		return false
	}
	s.serve(cluster)
	if got := read(t, c, p0, 0); got != "0 a\n1 b" || tries != maxStrange {
		t.Errorf("read %s in %d tries", got, tries)
	}
}

// TestAnAnswerCutShortIsABrokenConnection: it says nothing of what is in the log.
func TestAnAnswerCutShortIsABrokenConnection(t *testing.T) {
	t.Parallel()
	for _, got := range []string{"", "\x00\x00", "\x00\x00\x10\x00", "\x00\x00\x10\x00 a beginning"} {
		e := exchange{Request: &fetchAPI.Request{MaxBytes: 1 << 20}, version: 11}
		_, err := e.RawExchange(&stream{Reader: strings.NewReader(got)})
		if err == nil || classify(err) != connection {
			t.Errorf("%q: %v", got, err)
		}
	}
	e := exchange{Request: &fetchAPI.Request{}, version: 11}
	if _, err := e.RawExchange(&stream{Reader: strings.NewReader("\x7f\xff\xff\xff")}); err == nil || classify(err) != odd {
		t.Errorf("2 GiB: %v", err)
	}
	e.version = 4
	if _, err := e.RawExchange(&stream{}); err == nil || !strings.Contains(err.Error(), "version 4") {
		t.Errorf("an old broker: %v", err)
	}
}

// stream is a connection whose answer is known.
type stream struct{ io.Reader }

func (*stream) Write(b []byte) (int, error) { return len(b), nil }

func FuzzAnswer(f *testing.F) {
	good := at(3, "a", "b").bytes()
	body := binary.BigEndian.AppendUint32(make([]byte, 8+6), 1)
	body = append(body, 0, 1, 't', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	body = append(body, make([]byte, 24+4+4)...)
	body = append(binary.BigEndian.AppendUint32(body, uint32(len(good))), good...)
	f.Add(body, int16(11))
	f.Add(body, int16(5))
	f.Fuzz(func(t *testing.T, body []byte, version int16) {
		a, err := parseAnswer(body, version)
		if err != nil || a.code != 0 {
			return
		}
		if len(a.batches) > len(body) || len(a.aborted) > len(body) {
			t.Errorf("%d bytes of batches, %d transactions in %d bytes", len(a.batches), len(a.aborted), len(body))
		}
	})
}

func FuzzBatch(f *testing.F) {
	for codec := range int16(5) {
		b := at(3, "a", "bcd", strings.Repeat("e", 100)).with(transactional, 7)
		if codec != 0 {
			b = b.compressed(f, codec)
		}
		f.Add(b.bytes(), int64(4))
	}
	f.Fuzz(func(t *testing.T, data []byte, offset int64) {
		if len(data) < batchHead || offset < 0 {
			return
		}
		binary.BigEndian.PutUint32(data[8:], uint32(len(data)-batchPrefix))
		a := answer{end: 1 << 40, batches: sum(data), aborted: []aborted{{producer: 8, first: 0}}}
		got, err := gather(&a, p0, offset)
		if (err == nil) != (got.Next > offset) {
			t.Fatalf("from %d: next %d, %v", offset, got.Next, err)
		}
		if err != nil && !errors.As(err, new(damage)) {
			t.Fatal(err)
		}
		last := offset - 1
		for _, r := range got.Records {
			if r.Offset <= last || r.Offset >= got.Next || r.Partition != (schemas.Partition{Topic: schemas.Samples}) {
				t.Fatalf("record %d after %d, next %d", r.Offset, last, got.Next)
			}
			last = r.Offset
		}
	})
}
