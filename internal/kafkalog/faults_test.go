package kafkalog

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"detour/internal/dataflow"
	"detour/schemas"
)

func one(value string) []schemas.Record { return []schemas.Record{{Value: []byte(value)}} }

// TestTransient: each of these errors passes, and so do the calls that met it.
func TestTransient(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c, ctx := client(t, testConfig(addr), uniqueNames(), 1), bounded(t)
	for _, fault := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.LeaderNotAvailable, kerr.UnknownTopicOrPartition, kerr.KafkaStorageError,
		kerr.NotEnoughReplicas, kerr.ThrottlingQuotaExceeded,
	} {
		for _, key := range []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.ListOffsets} {
			cluster.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: fault, Count: 2})
		}
		first, err := c.Append(ctx, p0, one(fault.Message))
		if err != nil {
			t.Fatalf("append under %s: %v", fault.Message, err)
		}
		if _, end, err := c.Bounds(ctx, p0); err != nil || end != first+1 {
			t.Fatalf("bounds under %s: %d, %v", fault.Message, end, err)
		}
		if f, err := c.Fetch(ctx, p0, first); err != nil || string(f.Records[0].Value) != fault.Message {
			t.Fatalf("fetch under %s: %+v, %v", fault.Message, f, err)
		}
	}
}

// TestConnectionsBreak: the broker hangs up instead of answering.
func TestConnectionsBreak(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c, ctx := client(t, testConfig(addr), uniqueNames(), 1), bounded(t)
	for _, key := range []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.Metadata, kmsg.ListOffsets} {
		for range 2 {
			cluster.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
				return nil, errors.New("hang up"), true
			})
		}
	}
	if _, err := c.Append(ctx, p0, one("v")); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, c, p0, 0); len(got) != 1 {
		t.Errorf("read %d", len(got))
	}
}

// TestPermanent: these come back, and name the place.
func TestPermanent(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c, ctx := client(t, testConfig(addr), uniqueNames(), 1), bounded(t)
	for _, fault := range []*kerr.Error{kerr.TopicAuthorizationFailed, kerr.CorruptMessage, kerr.InvalidRecord} {
		fetches := 1
		if fault == kerr.CorruptMessage { // of what is stored, a broker is asked again
			fetches = maxStrange
		}
		cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: fault})
		cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: fault, Count: fetches})
		if _, err := c.Append(ctx, p0, one("v")); err == nil || !strings.Contains(err.Error(), "append to samples/0") {
			t.Errorf("append under %s: %v", fault.Message, err)
		}
		if _, err := c.Fetch(ctx, p0, 0); err == nil || !strings.Contains(err.Error(), "fetch samples/0@0") {
			t.Errorf("fetch under %s: %v", fault.Message, err)
		}
	}
}

// TestLostAnswer: the batch was appended but the answer says time-out. It stands twice, before its successor.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c, ctx := client(t, testConfig(addr), uniqueNames(), 1), bounded(t)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut})
	var wg sync.WaitGroup
	first, err := c.Append(ctx, p0, one("a"))
	wg.Go(func() {
		if _, err := c.Append(ctx, p0, one("b")); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	if err != nil || first != 1 {
		t.Fatalf("first %d, %v", first, err)
	}
	var values []string
	for _, r := range readAll(t, c, p0, 0) {
		values = append(values, string(r.Value))
	}
	if got := strings.Join(values, ""); got != "aab" {
		t.Errorf("the log reads %s", got)
	}
}

// TestOutOfRangeForAMoment: a broker that is wrong about its log is asked again.
func TestOutOfRangeForAMoment(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c, ctx := client(t, testConfig(addr), uniqueNames(), 1), bounded(t)
	if _, err := c.Append(ctx, p0, one("v")); err != nil {
		t.Fatal(err)
	}
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.OffsetOutOfRange})
	if f, err := c.Fetch(ctx, p0, 0); err != nil || len(f.Records) != 1 {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestUnreachable: every call waits, says so once, and comes back when told to. No goroutine stays behind.
func TestUnreachable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	before := goleak.IgnoreCurrent()
	var log lines
	c, err := New(testConfig(addr), uniqueNames(), zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	for _, call := range []func(context.Context) error{
		c.WaitReady,
		c.CheckReports,
		func(ctx context.Context) error { _, err := c.Fetch(ctx, p0, 0); return err },
		func(ctx context.Context) error { _, err := c.Append(ctx, p0, one("v")); return err },
		func(ctx context.Context) error { _, _, err := c.Bounds(ctx, p0); return err },
		func(ctx context.Context) error { _, err := c.Partitions(ctx, schemas.Samples); return err },
		func(ctx context.Context) error {
			return c.EnsureTopics(ctx, []TopicSpec{{schemas.Samples, 1, nil}})
		},
	} {
		expectCanceled(t, call)
	}
	expectCanceled(t, func(ctx context.Context) error {
		if err := NewGroup(c).Run(ctx, "g", schemas.Samples, nil); err != nil {
			return err
		}
		return ctx.Err()
	})
	if n := log.count("kafka: waiting for " + addr + ": connection refused"); n != 1 || log.count("\n") != 1 {
		t.Errorf("said %d times: %s", n, log.b.String())
	}
	c.Close()
	goleak.VerifyNone(t, before)
}

// TestAPartitionWithoutALeaderIsWaitedFor: reads, appends and bounds wait for as long as it takes, one line says for
// what, and all go on when there is a leader again.
func TestAPartitionWithoutALeaderIsWaitedFor(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	names, ctx := uniqueNames(), bounded(t)
	client(t, testConfig(addr), names, 1)
	var headless atomic.Bool
	headless.Store(true)
	port, _ := strconv.Atoi(addr[strings.LastIndex(addr, ":")+1:])
	cluster.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if !headless.Load() {
			return nil, nil, false
		}
		res := r.ResponseKind().(*kmsg.MetadataResponse)
		node := kmsg.NewMetadataResponseBroker()
		node.Host, node.Port = "127.0.0.1", int32(port)
		res.Brokers = append(res.Brokers, node)
		topic, partition := kmsg.NewMetadataResponseTopic(), kmsg.NewMetadataResponseTopicPartition()
		topic.Topic = kmsg.StringPtr(names.Of(schemas.Samples))
		partition.Leader, partition.ErrorCode = -1, kerr.LeaderNotAvailable.Code
		topic.Partitions = append(topic.Partitions, partition)
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
	// kafka-go asks any broker for the bounds; one that is not the leader says so.
	cluster.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		res := r.ResponseKind().(*kmsg.ListOffsetsResponse)
		topic, partition := kmsg.NewListOffsetsResponseTopic(), kmsg.NewListOffsetsResponseTopicPartition()
		topic.Topic, partition.ErrorCode = names.Of(schemas.Samples), kerr.NotLeaderForPartition.Code
		topic.Partitions = append(topic.Partitions, partition)
		res.Topics = append(res.Topics, topic)
		return res, nil, headless.Load()
	})
	var log lines
	c, err := New(testConfig(addr), names, zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	var calls sync.WaitGroup
	var returned atomic.Int32
	for _, call := range []func() error{
		func() error { _, err := c.Fetch(ctx, p0, 0); return err },
		func() error { _, err := c.Append(ctx, p0, one("v")); return err },
		func() error { _, _, err := c.Bounds(ctx, p0); return err },
	} {
		calls.Go(func() {
			if err := call(); err != nil {
				t.Error(err)
			}
			returned.Add(1)
		})
	}
	eventually(t, "says what it waits for", func() bool { return log.count("waiting for samples/0: ") > 0 })
	time.Sleep(300 * time.Millisecond) // several tries
	named := log.count("waiting for samples/0: it has no leader") + log.count("waiting for samples/0: not leader for partition")
	if returned.Load() != 0 || named != 1 || log.count("waiting") != 1 {
		t.Errorf("%d calls returned: %s", returned.Load(), log.b.String())
	}
	headless.Store(false)
	calls.Wait()
	if log.count("samples/0: going on") == 0 {
		t.Errorf("log: %s", log.b.String())
	}
}

// TestLeaderMoves: three brokers; the partition and the coordinators wander.
func TestLeaderMoves(t *testing.T) {
	t.Parallel()
	cluster, _ := broker(t, kfake.NumBrokers(3), kfake.Ports(0, 0, 0))
	c := client(t, testConfig(cluster.ListenAddrs()...), uniqueNames(), 1)
	moves(t, c, func(broker int32) {
		if err := cluster.MoveTopicPartition(c.names.Of(schemas.Samples), 0, broker); err != nil {
			t.Fatal(err)
		}
		cluster.RehashCoordinators()
	})
}

// moves has samples/0 led by one broker after the other while a member owns it.
func moves(t *testing.T, c *Client, move func(broker int32)) {
	ctx := bounded(t)
	owned := make(chan dataflow.Assignment, 100)
	leave := joined(t, c, c.names.Prefix+"-moves", func(ctx context.Context, a dataflow.Assignment) error {
		owned <- a
		<-ctx.Done()
		return nil
	})
	<-owned
	for at := range int64(4) {
		move(int32(at % 3))
		if first, err := c.Append(ctx, p0, one("v")); err != nil || first != at {
			t.Errorf("append %d: %d, %v", at, first, err)
		}
		if got := readAll(t, c, p0, at); len(got) != 1 {
			t.Errorf("fetch from %d: %d", at, len(got))
		}
	}
	if err := leave(); err != nil {
		t.Error(err)
	}
}
