package kafkalog

import (
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"detour/schemas"
)

// quota has a broker answer the first request of a kind as one that is over its quota, and notes when requests come.
type quota struct {
	mu   sync.Mutex
	came []time.Time
}

const throttleFor = 300 * time.Millisecond

func (q *quota) serve(cluster *kfake.Cluster, key kmsg.Key, over func(kmsg.Request) kmsg.Response) {
	cluster.ControlKey(int16(key), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.came = append(q.came, time.Now()); len(q.came) == 1 {
			return over(r), nil, true
		}
		return nil, nil, false
	})
}

// kept checks that the second request came when the broker wanted to hear of it, and no sooner.
func (q *quota) kept(t *testing.T) {
	t.Helper()
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.came) < 2 || q.came[1].Sub(q.came[0]) < throttleFor {
		t.Errorf("requests came at %v", q.came)
	}
}

// TestThrottledAppend: what is in the log is told at once; the next append waits.
func TestThrottledAppend(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c, ctx := client(t, testConfig(addr), uniqueNames(), 1), bounded(t)
	var q quota
	q.serve(cluster, kmsg.Produce, func(r kmsg.Request) kmsg.Response {
		response := r.ResponseKind().(*kmsg.ProduceResponse)
		response.ThrottleMillis = int32(throttleFor.Milliseconds())
		topic, partition := kmsg.NewProduceResponseTopic(), kmsg.NewProduceResponseTopicPartition()
		partition.BaseOffset, topic.Topic = 7, c.names.Of(schemas.Samples)
		topic.Partitions = append(topic.Partitions, partition)
		response.Topics = append(response.Topics, topic)
		return response
	})
	for _, want := range []int64{7, 0} {
		if first, err := c.Append(ctx, p0, one("v")); err != nil || first != want {
			t.Errorf("appended at %d, %v; want %d", first, err, want)
		}
	}
	q.kept(t)
}

// TestThrottledFetch: an answer without the partition is asked for again when the broker wants to, and says why it came.
func TestThrottledFetch(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	names, ctx := uniqueNames(), bounded(t)
	if _, err := client(t, testConfig(addr), names, 1).Append(ctx, p0, one("v")); err != nil {
		t.Fatal(err)
	}
	var log lines
	c, err := New(testConfig(addr), names, zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	var q quota
	q.serve(cluster, kmsg.Fetch, func(r kmsg.Request) kmsg.Response {
		response := r.ResponseKind().(*kmsg.FetchResponse)
		response.ThrottleMillis = int32(throttleFor.Milliseconds())
		return response
	})
	if f, err := c.Fetch(ctx, p0, 0); err != nil || len(f.Records) != 1 {
		t.Errorf("%+v, %v", f, err)
	}
	q.kept(t)
	if log.count("waiting for samples/0: throttling quota exceeded") != 1 || log.count("waiting") != 1 {
		t.Errorf("log: %s", log.b.String())
	}
}
