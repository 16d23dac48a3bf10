package kafkalog

import (
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"

	"detour/internal/embedded/realkafka"
	"detour/schemas"
)

// TestIntegrationThreeBrokers: one of three may be missing at any time, its partitions' leaders move.
func TestIntegrationThreeBrokers(t *testing.T) {
	cluster := realkafka.Start(t, realkafka.Config{Brokers: 3})
	t.Run("leader is killed", func(t *testing.T) { leaderIsKilled(t, cluster) })
	t.Run("leader moves", func(t *testing.T) {
		c := client(t, testConfig(cluster.Addrs()...), uniqueNames(), 1)
		moves(t, c, func(broker int32) { reassign(t, c, broker+1) })
	})
	t.Run("too few replicas", func(t *testing.T) { tooFewReplicas(t, cluster) })
}

// leaderOf returns which broker leads samples/0.
func leaderOf(t testing.TB, c *Client) int {
	t.Helper()
	name := c.names.Of(schemas.Samples)
	request, topic := kmsg.NewPtrMetadataRequest(), kmsg.NewMetadataRequestTopic()
	topic.Topic = &name
	request.Topics = append(request.Topics, topic)
	response := ask[*kmsg.MetadataResponse](t, c, request, 4)
	for _, p := range response.Topics[0].Partitions {
		if p.Partition == 0 {
			return int(p.Leader) - 1
		}
	}
	t.Fatalf("%s/0 is not there", name)
	return 0
}

// leaderIsKilled: with acks from all and two in-sync replicas that have to be, the next leader has all that was acknowledged.
func leaderIsKilled(t *testing.T, cluster *realkafka.Cluster) {
	c := client(t, testConfig(cluster.Addrs()...), uniqueNames(), 3)
	o := outages{c: c, partitions: 3, out: func(acked func() int64) func() {
		leader, before := leaderOf(t, c), acked()
		if err := cluster.Kill(leader); err != nil {
			t.Fatal(err)
		}
		eventually(t, "appends go on without it", func() bool { return acked() > before+perRound/3 })
		return func() {
			if err := cluster.Restart(t.Context(), leader); err != nil {
				t.Fatal(err)
			}
		}
	}}
	o.run(t, 3)
}

// reassign makes one broker the only replica of samples/0, and returns when it leads.
func reassign(t testing.TB, c *Client, node int32) {
	t.Helper()
	request, topic := kmsg.NewPtrAlterPartitionAssignmentsRequest(), kmsg.NewAlterPartitionAssignmentsRequestTopic()
	partition := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
	partition.Replicas, topic.Topic = []int32{node}, c.names.Of(schemas.Samples)
	topic.Partitions, request.TimeoutMillis = append(topic.Partitions, partition), 10_000
	request.Topics = append(request.Topics, topic)
	response := ask[*kmsg.AlterPartitionAssignmentsResponse](t, c, request, 0)
	if code := response.Topics[0].Partitions[0].ErrorCode; response.ErrorCode != 0 || code != 0 {
		t.Fatal(kafka.Error(response.ErrorCode), kafka.Error(code))
	}
	eventually(t, "it leads", func() bool { return leaderOf(t, c) == int(node)-1 })
}

// tooFewReplicas: a topic that wants three in-sync replicas has two. Appends wait, say for what, and go on with the third.
func tooFewReplicas(t *testing.T, cluster *realkafka.Cluster) {
	names, ctx := uniqueNames(), bounded(t)
	c := client(t, testConfig(cluster.Addrs()...), names, 0)
	spec := TopicSpec{schemas.Samples, 1, map[string]string{"min.insync.replicas": "3"}}
	if err := c.EnsureTopics(ctx, []TopicSpec{spec}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Append(ctx, p0, one("a")); err != nil {
		t.Fatal(err)
	}
	follower := (leaderOf(t, c) + 1) % 3
	if err := cluster.Stop(follower); err != nil {
		t.Fatal(err)
	}
	var log lines
	waiting, err := New(testConfig(cluster.Addrs()...), names, zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(waiting.Close)
	appended := make(chan error)
	go func() {
		_, err := waiting.Append(ctx, p0, one("b"))
		appended <- err
	}()
	eventually(t, "it says what it waits for", func() bool {
		return log.count("waiting for samples/0: not enough replicas") > 0
	})
	select {
	case err := <-appended:
		t.Fatalf("an append with too few replicas: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	if got := readAll(t, c, p0, 0); len(got) != 1 || string(got[0].Value) != "a" {
		t.Errorf("meanwhile it reads %v", got)
	}
	if err := cluster.Restart(ctx, follower); err != nil {
		t.Fatal(err)
	}
	if err := <-appended; err != nil {
		t.Error(err)
	}
}
