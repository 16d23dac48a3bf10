package replay

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"detour/internal/dataflow"
	"detour/schemas"
)

// traffic is what went through a log, values alone, before compression.
type traffic struct {
	records int
	bytes   int
}

// metered is a log that counts what is read and appended.
type metered struct {
	dataflow.Log

	mu             sync.Mutex
	read, appended map[schemas.Topic]traffic
}

func newMetered(log dataflow.Log) *metered {
	return &metered{Log: log, read: make(map[schemas.Topic]traffic), appended: make(map[schemas.Topic]traffic)}
}

// Fetch implements dataflow.Log.
func (m *metered) Fetch(ctx context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	f, err := m.Log.Fetch(ctx, p, offset)
	m.count(m.read, p.Topic, f.Records)
	return f, err
}

// Append implements dataflow.Log.
func (m *metered) Append(ctx context.Context, p schemas.Partition, records []schemas.Record) (int64, error) {
	m.count(m.appended, p.Topic, records)
	return m.Log.Append(ctx, p, records)
}

func (m *metered) count(to map[schemas.Topic]traffic, t schemas.Topic, records []schemas.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := to[t]
	sum.records += len(records)
	for i := range records {
		sum.bytes += len(records[i].Value)
	}
	to[t] = sum
}

// measure times resume, each time with a client that knows nothing yet, and reports the medians, what was read of what
// there is in the same topics, and the heap that what it returns holds.
func (c *crashed) measure(b *testing.B, resume func(context.Context, dataflow.Log) (any, error)) {
	b.ReportAllocs()
	var took, used []float64
	var log *metered
	var held uint64
	for b.Loop() {
		b.StopTimer()
		before := heap()
		client := c.connect(b, c.names)
		log = newMetered(client)
		b.StartTimer()
		began, cpu := time.Now(), processor()
		resumed, err := resume(b.Context(), log)
		took = append(took, time.Since(began).Seconds())
		used = append(used, processor()-cpu)
		b.StopTimer()
		if err != nil {
			b.Fatal(err)
		}
		if len(log.appended) > 0 {
			b.Fatalf("it appended %v", log.appended)
		}
		held = max(heap(), before) - before
		runtime.KeepAlive(resumed)
		client.Close()
		b.StartTimer()
	}
	slices.Sort(took)
	slices.Sort(used)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(took[len(took)/2], "s/op")
	b.ReportMetric(used[len(used)/2], "cpu-s/op")
	b.ReportMetric(float64(held)/1e6, "held-MB")
	c.report(b, log)
}

// report tells of every topic how much was read.
func (c *crashed) report(b *testing.B, log *metered) {
	var read, of traffic
	for topic, t := range log.read {
		read.records, read.bytes = read.records+t.records, read.bytes+t.bytes
		of.records, of.bytes = of.records+c.log.appended[topic].records, of.bytes+c.log.appended[topic].bytes
		b.Logf("%s: read %d records, %.1f MB", topic, t.records, float64(t.bytes)/1e6)
	}
	b.ReportMetric(float64(read.records), "read-records")
	b.ReportMetric(float64(read.bytes)/1e6, "read-MB")
	b.ReportMetric(float64(of.records), "topics-records")
	b.ReportMetric(float64(of.bytes)/1e6, "topics-MB")
}

// tell says how large the log is.
func (c *crashed) tell(b *testing.B) {
	for _, topic := range append(schemas.Internal(), schemas.Reports) {
		t := c.log.appended[topic]
		b.Logf("%s: %d records, %.1f MB", topic, t.records, float64(t.bytes)/1e6)
	}
}

// processor returns the processor time that this process, the broker with it, has used, in seconds: what another load on
// the machine does not stretch.
func processor() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

// heap returns the bytes of live objects.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
