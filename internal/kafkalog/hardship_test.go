package kafkalog

import (
	"bytes"
	"context"
	"errors"
	"math/rand"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"detour/internal/dataflow"
	"detour/internal/embedded/realkafka"
	"detour/schemas"
)

// hardships is what any cluster may do to a client without being broken: newLog is as for contract, and returns a client
// without topics for 0 partitions. The cluster creates topics that clients ask for.
func hardships(t *testing.T, newLog func(testing.TB, int) *Client) {
	for name, test := range map[string]func(*testing.T, func(testing.TB, int) *Client){
		"retention overtakes": retentionOvertakes,
		"log append time":     reportsWithLogAppendTime,
		"a huge record":       hugeRecord,
		"size limit":          sizeLimit,
		"partitions added":    partitionsAdded,
		"leave during join":   leaveDuringJoin,
		"silent member":       silentMember,
		"topic comes later":   topicComesLater,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, newLog) })
	}
}

func TestHardships(t *testing.T) {
	t.Parallel()
	_, addr := broker(t, kfake.AllowAutoTopicCreation())
	hardships(t, fresh(addr))
}

// ask sends a client's broker a request of those that Detour has no use for.
func ask[R kmsg.Response](t testing.TB, c *Client, request kmsg.Request, version int16) R {
	t.Helper()
	request.SetVersion(version)
	response, err := realkafka.Ask(bounded(t), c.cfg.Brokers[0], c.cfg.ClientID, request)
	if err != nil {
		t.Fatal(err)
	}
	return response.(R)
}

// createTopic makes a topic as an operator would.
func createTopic(t testing.TB, c *Client, name string, configs ...kafka.ConfigEntry) {
	t.Helper()
	res, err := c.kafka.CreateTopics(bounded(t), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: configs}},
	})
	if err = errors.Join(err, res.Errors[name]); err != nil {
		t.Fatal(err)
	}
}

// deleteRecords removes what samples/0 holds before an offset, as retention does.
func deleteRecords(t testing.TB, c *Client, before int64) {
	t.Helper()
	request, topic := kmsg.NewPtrDeleteRecordsRequest(), kmsg.NewDeleteRecordsRequestTopic()
	partition := kmsg.NewDeleteRecordsRequestTopicPartition()
	partition.Offset, topic.Topic = before, c.names.Of(schemas.Samples)
	topic.Partitions, request.TimeoutMillis = append(topic.Partitions, partition), 10_000
	request.Topics = append(request.Topics, topic)
	response := ask[*kmsg.DeleteRecordsResponse](t, c, request, 1)
	if code := response.Topics[0].Partitions[0].ErrorCode; code != 0 {
		t.Fatal(kafka.Error(code))
	}
}

// retentionOvertakes: a reader that was too slow hears what is left, and goes on there.
func retentionOvertakes(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	for range 5 {
		if _, err := c.Append(ctx, p0, one("v")); err != nil {
			t.Fatal(err)
		}
	}
	deleteRecords(t, c, 3)
	f, err := c.Fetch(ctx, p0, 2)
	if !errors.Is(err, dataflow.ErrOutOfRange) || f.Start != 3 || f.End != 5 ||
		!strings.Contains(err.Error(), "samples/0@2") || !strings.Contains(err.Error(), "the log holds 3 to 5") {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := c.Fetch(ctx, p0, 3); err != nil || len(f.Records) != 2 || f.Start != 3 {
		t.Errorf("%+v, %v", f, err)
	}
	if start, end, err := c.Bounds(ctx, p0); start != 3 || end != 5 || err != nil {
		t.Errorf("bounds %d to %d, %v", start, end, err)
	}
}

func reportsWithLogAppendTime(t *testing.T, newLog func(testing.TB, int) *Client) {
	c := newLog(t, 0)
	createTopic(t, c, c.names.Reports, kafka.ConfigEntry{ConfigName: timestampType, ConfigValue: "LogAppendTime"})
	if err := c.CheckReports(bounded(t)); !errors.Is(err, errLogAppendTime) || !strings.Contains(err.Error(), c.names.Reports) {
		t.Errorf("check: %v", err)
	}
}

// hugeRecord: a report that is far too large, which compression lets through a broker, has to reach ingest, which rejects
// it; a source must not stand still in front of it.
func hugeRecord(t *testing.T, newLog func(testing.TB, int) *Client) {
	const size = 20 << 20
	c, ctx := newLog(t, 1), bounded(t)
	p := schemas.Partition{Topic: schemas.Reports}
	for _, value := range [][]byte{[]byte("before"), bytes.Repeat([]byte("x"), size), []byte("behind")} {
		if _, err := c.Append(ctx, p, []schemas.Record{{Value: value}}); err != nil {
			t.Fatal(err)
		}
	}
	var sizes []int
	for _, r := range readAll(t, c, p, 0) {
		sizes = append(sizes, len(r.Value))
	}
	if len(sizes) != 3 || sizes[1] != size || size < c.cfg.FetchMaxBytes {
		t.Errorf("read records of %v bytes with fetches of %d", sizes, c.cfg.FetchMaxBytes)
	}
}

// sizeLimit: an operator's limit is below what is appended. The error names the topic and the setting; smaller batches
// still go in.
func sizeLimit(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 0), bounded(t)
	name := c.names.Of(schemas.Samples)
	createTopic(t, c, name, kafka.ConfigEntry{ConfigName: "max.message.bytes", ConfigValue: "10000"})
	value := make([]byte, 20_000) // random, so that it does not compress
	rand.New(rand.NewSource(1)).Read(value)
	_, err := c.Append(ctx, p0, []schemas.Record{{Value: value}})
	if !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "max.message.bytes of topic "+name) {
		t.Errorf("too large: %v", err)
	}
	if first, err := c.Append(ctx, p0, []schemas.Record{{Value: value[:9000]}}); first != 0 || err != nil {
		t.Errorf("small enough: %d, %v", first, err)
	}
}

// partitionsAdded: they are assigned without anybody joining or leaving.
func partitionsAdded(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	g := NewGroup(c)
	g.watch = 50 * time.Millisecond
	run, cancel := context.WithCancel(ctx)
	var owned atomic.Int64
	ended := make(chan error)
	go func() {
		ended <- g.Run(run, c.names.Prefix+"-added", schemas.Reports, func(ctx context.Context, _ dataflow.Assignment) error {
			owned.Add(1)
			defer owned.Add(-1)
			<-ctx.Done()
			return nil
		})
	}()
	eventually(t, "one partition", func() bool { return owned.Load() == 1 })
	res, err := c.kafka.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: c.names.Reports, Count: 3}},
	})
	if err != nil || res.Errors[c.names.Reports] != nil {
		t.Fatal(err, res)
	}
	eventually(t, "three partitions", func() bool { return owned.Load() == 3 })
	eventually(t, "three counted", func() bool { n, err := c.Partitions(ctx, schemas.Reports); return n == 3 && err == nil })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// leaveDuringJoin: a member that waits for others to join can be stopped.
func leaveDuringJoin(t *testing.T, newLog func(testing.TB, int) *Client) {
	c := newLog(t, 2)
	group := c.names.Prefix + "-stuck"
	in, stuck := make(chan struct{}, 2), make(chan struct{})
	leave := joined(t, c, group, func(ctx context.Context, _ dataflow.Assignment) error {
		in <- struct{}{}
		<-stuck // work that does not end holds up the group
		return nil
	})
	<-in
	second := joined(t, c, group, func(ctx context.Context, _ dataflow.Assignment) error { <-ctx.Done(); return nil })
	time.Sleep(300 * time.Millisecond) // more than a heartbeat: the second is joining
	if err := second(); err != nil {
		t.Error(err)
	}
	close(stuck)
	if err := leave(); err != nil {
		t.Error(err)
	}
}

// silentMember: one joins, is never heard of again, and holds the group up no longer than its session. Its commit then is
// refused.
func silentMember(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 2), bounded(t)
	group := c.names.Prefix + "-silent"
	var owned atomic.Int64
	leave := joined(t, c, group, func(ctx context.Context, a dataflow.Assignment) error {
		owned.Add(1)
		defer owned.Add(-1)
		<-ctx.Done()
		return nil
	})
	eventually(t, "one has all", func() bool { return owned.Load() == 2 })
	join := &kafka.JoinGroupRequest{
		GroupID: group, SessionTimeout: time.Second, RebalanceTimeout: 10 * time.Second, ProtocolType: "consumer",
		Protocols: []kafka.GroupProtocol{{
			Name: kafka.RangeGroupBalancer{}.ProtocolName(), Metadata: kafka.GroupProtocolSubscription{Topics: []string{c.names.Of(schemas.Samples)}},
		}},
	}
	var stranger *kafka.JoinGroupResponse
	eventually(t, "a stranger joined", func() bool {
		var err error
		if stranger, err = c.kafka.JoinGroup(ctx, join); err != nil {
			t.Fatal(err)
		}
		join.MemberID = stranger.MemberID // which it has to name from the second time on
		return stranger.Error == nil
	})
	// It was answered, so the other one had ended its work and joined anew; how soon it has all again is up to the broker.
	eventually(t, "one has all again", func() bool { return owned.Load() == 2 })
	late := share{
		c: c, partition: p0,
		gen: &kafka.Generation{GroupID: group, ID: int32(stranger.GenerationID), MemberID: stranger.MemberID},
	}
	if err := late.commit(ctx, 9, "late"); !errors.Is(err, errSuperseded) {
		t.Errorf("its commit: %v", err)
	}
	if at := committed(t, c, group); at != -1 {
		t.Errorf("committed %d", at)
	}
	if err := leave(); err != nil {
		t.Error(err)
	}
}

// topicComesLater: a topic that another process is yet to create is waited for, without creating it.
func topicComesLater(t *testing.T, newLog func(testing.TB, int) *Client) {
	other, ctx := newLog(t, 0), bounded(t)
	names := other.names
	var log lines
	c, err := New(other.cfg, names, zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	served := make(chan int64)
	leave := joined(t, c, names.Prefix+"-early", func(ctx context.Context, a dataflow.Assignment) error {
		f, err := c.Fetch(ctx, a.Partition, 0)
		served <- f.End
		<-ctx.Done()
		return err
	})
	eventually(t, "waits", func() bool { return log.count("waiting for topic "+names.Of(schemas.Samples)) == 1 })
	if has, err := other.Exists(ctx, schemas.Samples); has || err != nil {
		t.Errorf("the topic was created by joining: %t, %v", has, err)
	}
	if err := other.EnsureTopics(ctx, []TopicSpec{{schemas.Samples, 1, nil}}); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Append(ctx, p0, one("v")); err != nil {
		t.Fatal(err)
	}
	if end := <-served; end != 1 {
		t.Errorf("end %d", end)
	}
	if err := leave(); err != nil {
		t.Error(err)
	}
}
