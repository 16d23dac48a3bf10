package kafkalog

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"go.uber.org/goleak"

	"detour/internal/dataflow"
	"detour/schemas"
)

// committed asks for a group's position in samples/0.
func committed(t testing.TB, c *Client, group string) int64 {
	t.Helper()
	s := share{c: c, gen: &kafka.Generation{GroupID: group}, partition: p0}
	a, err := s.assignment(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	return a.Offset
}

// TestPartitionsAdded: they are assigned without anybody joining or leaving.
func TestPartitionsAdded(t *testing.T) {
	t.Parallel()
	_, addr := broker(t)
	c, ctx := client(t, testConfig(addr), uniqueNames(), 1), bounded(t)
	g := NewGroup(c)
	g.watch = 50 * time.Millisecond
	run, cancel := context.WithCancel(ctx)
	var owned atomic.Int64
	ended := make(chan error)
	go func() {
		ended <- g.Run(run, "added", schemas.Reports, func(ctx context.Context, _ dataflow.Assignment) error {
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

// TestRunLeavesNothing: when Run returns, work and all goroutines have ended, and the member has left.
func TestRunLeavesNothing(t *testing.T) {
	cluster, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 3)
	c.Close()
	before := goleak.IgnoreCurrent()
	ctx, cancel := context.WithCancel(t.Context())
	var working atomic.Int64
	ended := make(chan error)
	go func() {
		ended <- NewGroup(c).Run(ctx, "clean", schemas.Samples, func(ctx context.Context, a dataflow.Assignment) error {
			working.Add(1)
			defer working.Add(-1)
			<-ctx.Done()
			// The last commit of a stopping member is still good.
			return a.Commit(context.WithoutCancel(ctx), 7, "last")
		})
	}()
	eventually(t, "working", func() bool { return working.Load() == 3 })
	cancel()
	if err := <-ended; err != nil || working.Load() != 0 {
		t.Errorf("ended with %v, %d working", err, working.Load())
	}
	if g := cluster.GroupInfo("clean"); g != nil && len(g.Members) != 0 {
		t.Errorf("%d members stayed", len(g.Members))
	}
	if offset := committed(t, c, "clean"); offset != 7 {
		t.Errorf("committed %d", offset)
	}
	c.Close()
	goleak.VerifyNone(t, before)
}

// TestLeaveDuringJoin: a member that waits for others to join can be stopped.
func TestLeaveDuringJoin(t *testing.T) {
	t.Parallel()
	_, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 2)
	in, stuck := make(chan struct{}, 2), make(chan struct{})
	leave := joined(t, c, "stuck", func(ctx context.Context, _ dataflow.Assignment) error {
		in <- struct{}{}
		<-stuck // work that does not end holds up the group
		return nil
	})
	<-in
	second := joined(t, c, "stuck", func(ctx context.Context, _ dataflow.Assignment) error { <-ctx.Done(); return nil })
	time.Sleep(300 * time.Millisecond) // more than a heartbeat: the second is joining
	if err := second(); err != nil {
		t.Error(err)
	}
	close(stuck)
	if err := leave(); err != nil {
		t.Error(err)
	}
}

// TestReadBatch: what kafka-go hands over where kfake has no way to make it.
func TestReadBatch(t *testing.T) {
	t.Parallel()
	records := func(offsets ...int64) protocol.RecordReader {
		var rs []protocol.Record
		for _, o := range offsets {
			rs = append(rs, protocol.Record{Offset: o, Value: protocol.NewBytes([]byte("v"))})
		}
		return protocol.NewRecordReader(rs...)
	}
	data := func(base int64, offsets ...int64) protocol.RecordReader {
		return &protocol.RecordBatch{BaseOffset: base, Records: records(offsets...)}
	}
	control := func(base int64) protocol.RecordReader {
		return &protocol.ControlBatch{BaseOffset: base, Records: records(base)}
	}
	for name, c := range map[string]struct {
		offset  int64
		batches []protocol.RecordReader
		want    int
		next    int64
	}{
		"from the start":             {10, []protocol.RecordReader{data(10, 10, 11)}, 2, 12},
		"from the middle":            {11, []protocol.RecordReader{data(10, 10, 11, 12)}, 2, 13},
		"a hole":                     {10, []protocol.RecordReader{data(10, 14), data(20, 20)}, 2, 21},
		"a marker alone":             {10, []protocol.RecordReader{control(10)}, 0, 11},
		"a marker at the end":        {10, []protocol.RecordReader{data(10, 10), control(11)}, 1, 12},
		"an empty batch":             {10, []protocol.RecordReader{data(10)}, 0, 11},
		"an empty batch around":      {15, []protocol.RecordReader{data(10)}, 0, 16},
		"an empty batch, then a one": {15, []protocol.RecordReader{data(10), data(20, 20)}, 1, 21},
		"an old message set":         {11, []protocol.RecordReader{&protocol.MessageSet{BaseOffset: 10, Records: records(10, 11)}}, 1, 12},
	} {
		f := dataflow.Fetched{Next: c.offset}
		for _, b := range c.batches {
			if err := readBatch(&f, p0, c.offset, b); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(f.Records) != c.want || f.Next != c.next {
			t.Errorf("%s: %d records, next %d; want %d, %d", name, len(f.Records), f.Next, c.want, c.next)
		}
	}
}
