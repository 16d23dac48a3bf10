package kafkalog

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"detour/internal/dataflow"
	"detour/schemas"
)

// outages is a cluster whose brokers go away and come back while every partition has a writer and a reader, and a group
// copies all of it. What it checks: nothing that was acknowledged is lost or elsewhere than the append said; a partition's
// order is that of its writer; a batch whose answer was lost may stand twice, but then in a row; the copy is complete and
// doubles nothing.
type outages struct {
	c          *Client
	partitions int32
	// out takes a broker away and returns what brings it back. Writers go on meanwhile; acked returns how many appends were
	// acknowledged by then.
	out func(acked func() int64) (back func())

	acked atomic.Int64
}

// perRound is how many records a writer appends to its partition between two outages.
const perRound = 60

// run goes through some outages.
func (o *outages) run(t *testing.T, rounds uint64) {
	ctx := bounded(t)
	if err := o.c.EnsureTopics(ctx, []TopicSpec{{schemas.Windows, int(o.partitions), nil}}); err != nil {
		t.Fatal(err)
	}
	leave := joined(t, o.c, o.c.names.Prefix+"-copiers", o.copier)
	begin := make([]chan struct{}, rounds) // which every writer waits at
	for i := range begin {
		begin[i] = make(chan struct{})
	}
	var working sync.WaitGroup
	for i := range o.partitions {
		p := schemas.Partition{Topic: schemas.Samples, Number: i}
		working.Go(func() { o.write(ctx, t, p, begin) })
		working.Go(func() { o.read(ctx, t, p, (rounds+1)*perRound) })
	}
	for _, ready := range begin {
		for range o.partitions {
			<-ready
		}
		o.out(o.acked.Load)()
	}
	working.Wait()
	for i := range o.partitions {
		o.copied(ctx, t, i, (rounds+1)*perRound)
	}
	if err := leave(); err != nil {
		t.Error(err)
	}
}

// write appends numbers, one a batch, and checks that each is where the append said.
func (o *outages) write(ctx context.Context, t *testing.T, p schemas.Partition, begin []chan struct{}) {
	at := make(map[int64]uint64)
	for i := range uint64(len(begin)+1) * perRound {
		first, err := o.c.Append(ctx, p, []schemas.Record{{Value: binary.BigEndian.AppendUint64(nil, i)}})
		if err != nil {
			t.Error(err)
		}
		at[first] = i
		o.acked.Add(1)
		if round := i / perRound; i%perRound == perRound/2 && round < uint64(len(begin)) {
			begin[round] <- struct{}{}
		}
	}
	for _, r := range readAll(t, o.c, p, 0) {
		if want, ok := at[r.Offset]; ok && binary.BigEndian.Uint64(r.Value) != want {
			t.Errorf("%s@%d holds %d, where %d was acknowledged", p, r.Offset, binary.BigEndian.Uint64(r.Value), want)
		}
		delete(at, r.Offset)
	}
	if len(at) > 0 {
		t.Errorf("%s lost what was acknowledged: %v", p, at)
	}
}

// read follows the writer.
func (o *outages) read(ctx context.Context, t *testing.T, p schemas.Partition, all uint64) {
	for want, offset := uint64(0), int64(0); want < all; {
		f, err := o.c.Fetch(ctx, p, offset)
		if err != nil {
			t.Error(err)
			return
		}
		for _, r := range f.Records {
			switch n := binary.BigEndian.Uint64(r.Value); n {
			case want:
				want++
			case want - 1: // written again because its answer was lost
			default:
				t.Errorf("%s@%d holds %d, want %d", p, r.Offset, n, want)
			}
		}
		offset = f.Next
	}
}

// copier is a stage: it copies a partition of samples to windows, resumes from what it wrote, and commits.
func (o *outages) copier(ctx context.Context, a dataflow.Assignment) error {
	m := &duplicate{in: a.Partition, out: schemas.Partition{Topic: schemas.Windows, Number: a.Partition.Number}}
	_, _, err := dataflow.Tail(ctx, o.c, m.out, func(written []schemas.Record) (bool, error) {
		if len(written) > 0 {
			m.next = int64(binary.BigEndian.Uint64(written[len(written)-1].Value)) + 1
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	runner := dataflow.Runner{Log: o.c, Machine: m, Applied: func(ctx context.Context) error { return a.Commit(ctx, m.next, "") }}
	return runner.Run(ctx)
}

// duplicate is the copier's machine: a copy is the offset of what it is a copy of, and its value.
type duplicate struct {
	in, out schemas.Partition
	next    int64
}

func (d *duplicate) Next() schemas.Input {
	return schemas.Input{Partition: d.in, Offset: d.next, Wait: true}
}

func (d *duplicate) Apply(records []schemas.Record, next int64) (copies []schemas.Record, err error) {
	for _, r := range records {
		value := append(binary.BigEndian.AppendUint64(nil, uint64(r.Offset)), r.Value...)
		copies = append(copies, schemas.Record{Partition: d.out, Value: value})
	}
	d.next = next
	return copies, nil
}

// copied waits for the copy of a partition to be complete, and compares it. Batches of it, too, may stand twice.
func (o *outages) copied(ctx context.Context, t *testing.T, number int32, all uint64) {
	in, out := schemas.Partition{Topic: schemas.Samples, Number: number}, schemas.Partition{Topic: schemas.Windows, Number: number}
	_, end, err := o.c.Bounds(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	group := o.c.names.Prefix + "-copiers"
	eventually(t, fmt.Sprintf("the group committed all of %s", in), func() bool {
		at, err := o.c.Positions(ctx, group, schemas.Samples, int(o.partitions))
		return err == nil && at[number].Offset == end
	})
	want, next := uint64(0), int64(0)
	for _, r := range readAll(t, o.c, out, 0) {
		offset, n := int64(binary.BigEndian.Uint64(r.Value)), binary.BigEndian.Uint64(r.Value[8:])
		switch {
		case offset < next: // a batch of copies whose answer was lost
		case offset > next || n != want && n+1 != want:
			t.Fatalf("%s@%d is a copy of %d, offset %d; want %d, offset %d", out, r.Offset, n, offset, want, next)
		default:
			want, next = max(want, n+1), next+1
		}
	}
	if want != all || next != end {
		t.Errorf("%s: copied %d numbers of %d, %d offsets of %d", in, want, all, next, end)
	}
}

// TestRestart: the broker goes away and comes back on the same address.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cluster, addr := broker(t, kfake.DataDir(dir))
	_, portText, _ := net.SplitHostPort(addr)
	port, err := strconv.Atoi(portText)
	if err != nil {
		t.Fatal(err)
	}
	o := outages{c: client(t, testConfig(addr), uniqueNames(), 2), partitions: 2, out: func(func() int64) func() {
		cluster.Close()
		return func() {
			cluster, err = kfake.NewCluster(kfake.Ports(port), kfake.NumBrokers(1), kfake.DataDir(dir), quickSessions)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(cluster.Close)
		}
	}}
	o.run(t, 2)
}
