package kafkalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"detour/internal/dataflow"
	"detour/schemas"
)

// contract is what dataflow.Log promises, for any cluster: newLog returns a client whose reports and samples topics are
// new and have the given number of partitions.
func contract(t *testing.T, newLog func(testing.TB, int) *Client) {
	for name, test := range map[string]func(*testing.T, func(testing.TB, int) *Client){
		"round trip":           roundTrip,
		"append time":          appendTime,
		"model":                model,
		"empty poll":           emptyPoll,
		"out of range":         outOfRange,
		"large records":        largeRecords,
		"appends side by side": sideBySide,
		"poll blocks nothing":  pollBlocksNothing,
		"transactions":         transactions,
		"topics":               ensureTopics,
		"group shares":         groupShares,
		"group fences":         groupFences,
		"group errors":         groupErrors,
		"group looked at":      groupLooks,
		"offsets by time":      offsetsByTime,
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); test(t, newLog) })
	}
}

var p0 = schemas.Partition{Topic: schemas.Samples}

func roundTrip(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	in := []schemas.Record{
		{Time: 1_700_000_000_000, Key: []byte("k"), Value: []byte("v")},
		{Time: 1_700_000_000_001, Value: nil, Headers: []schemas.Header{{Key: schemas.HeartbeatHeader, Value: []byte{}}}},
		{Time: 1_699_999_999_000, Key: []byte{}, Value: []byte{}},
		{Time: 5, Value: []byte("x"), Headers: []schemas.Header{{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}}},
	}
	for round := range int64(2) {
		first, err := c.Append(ctx, p0, in)
		if err != nil || first != round*int64(len(in)) {
			t.Fatalf("append %d: first %d, %v", round, first, err)
		}
	}
	for offset := range int64(2 * len(in)) { // also from the middle of a batch
		got := readAll(t, c, p0, offset)
		if len(got) != 2*len(in)-int(offset) {
			t.Fatalf("from %d: %d records", offset, len(got))
		}
		for i, r := range got {
			want := in[(int(offset)+i)%len(in)]
			want.Partition, want.Offset = p0, offset+int64(i)
			if !reflect.DeepEqual(r, want) {
				t.Errorf("from %d: got %+v, want %+v", offset, r, want)
			}
		}
	}
	if start, end, err := c.Bounds(ctx, p0); start != 0 || end != 8 || err != nil {
		t.Errorf("bounds %d %d %v", start, end, err)
	}
	if _, err := c.Append(ctx, p0, nil); err == nil {
		t.Error("an append of nothing succeeded")
	}
}

// readAll fetches from offset to the end.
func readAll(t testing.TB, c *Client, p schemas.Partition, offset int64) []schemas.Record {
	t.Helper()
	var all []schemas.Record
	for {
		f, err := c.Fetch(bounded(t), p, offset)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, f.Records...)
		if offset = f.Next; offset >= f.End {
			return all
		}
	}
}

func appendTime(t *testing.T, newLog func(testing.TB, int) *Client) {
	c := newLog(t, 1)
	before := time.Now().UnixMilli()
	if _, err := c.Append(bounded(t), p0, []schemas.Record{{Value: []byte("v")}, {Time: 7}}); err != nil {
		t.Fatal(err)
	}
	got := readAll(t, c, p0, 0)
	if got[0].Time < before || got[0].Time > time.Now().UnixMilli() || got[1].Time != 7 {
		t.Errorf("times %d, %d", got[0].Time, got[1].Time)
	}
}

// model compares the log with a slice.
func model(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	var want []schemas.Record
	record := rapid.Custom(func(t *rapid.T) schemas.Record {
		r := schemas.Record{Partition: p0, Time: rapid.Int64Range(1, 1_750_000_000_000).Draw(t, "time")} // brokers refuse what is far ahead
		r.Key = rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOf(rapid.Byte())).Draw(t, "key")
		r.Value = rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOfN(rapid.Byte(), 0, 200)).Draw(t, "value")
		for range rapid.IntRange(0, 3).Draw(t, "headers") {
			r.Headers = append(r.Headers, schemas.Header{Key: rapid.String().Draw(t, "name"), Value: rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "header")})
		}
		return r
	})
	rapid.Check(t, func(rt *rapid.T) {
		batch := rapid.SliceOfN(record, 1, 20).Draw(rt, "batch")
		first, err := c.Append(ctx, p0, batch)
		if err != nil || first != int64(len(want)) {
			rt.Fatalf("append: first %d of %d, %v", first, len(want), err)
		}
		for i, r := range batch {
			r.Offset = first + int64(i)
			want = append(want, r)
		}
		offset := rapid.IntRange(max(0, len(want)-50), len(want)).Draw(rt, "offset")
		got := readAll(t, c, p0, int64(offset))
		if len(got) != len(want)-offset {
			rt.Fatalf("read %d from %d of %d", len(got), offset, len(want))
		}
		for i := range got {
			if !reflect.DeepEqual(got[i], want[offset+i]) {
				rt.Fatalf("got %+v, want %+v", got[i], want[offset+i])
			}
		}
	})
}

func emptyPoll(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	for n := range int64(2) {
		f, err := c.Fetch(ctx, p0, n)
		if err != nil || len(f.Records) != 0 || f.Next != n || f.End != n || f.Start != 0 {
			t.Fatalf("poll at the end: %+v, %v", f, err)
		}
		if _, err := c.Append(ctx, p0, []schemas.Record{{Value: []byte("v")}}); err != nil {
			t.Fatal(err)
		}
	}
}

func outOfRange(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	if _, err := c.Append(ctx, p0, make([]schemas.Record, 3)); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int64{-2, -1, 4, 1 << 40} {
		f, err := c.Fetch(ctx, p0, offset)
		if !errors.Is(err, dataflow.ErrOutOfRange) || f.Start != 0 || f.End != 3 || len(f.Records) != 0 {
			t.Errorf("offset %d: %+v, %v", offset, f, err)
		}
	}
}

func largeRecords(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	value, huge := make([]byte, 1<<20), make([]byte, 3<<20) // random, so that they don't compress
	rand.New(rand.NewSource(1)).Read(value)
	rand.New(rand.NewSource(2)).Read(huge)
	for range 6 { // more than one answer holds
		if _, err := c.Append(ctx, p0, []schemas.Record{{Value: value}}); err != nil {
			t.Fatal(err)
		}
	}
	got := readAll(t, c, p0, 0)
	if len(got) != 6 {
		t.Fatalf("read %d", len(got))
	}
	for _, r := range got {
		if !bytes.Equal(r.Value, value) {
			t.Fatal("value changed")
		}
	}
	_, err := c.Append(ctx, p0, []schemas.Record{{Value: huge}})
	if !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "samples/0") || !strings.Contains(err.Error(), "3145728 bytes") {
		t.Errorf("too large: %v", err)
	}
}

func sideBySide(t *testing.T, newLog func(testing.TB, int) *Client) {
	const partitions, appends = 4, 50
	c, ctx := newLog(t, partitions), bounded(t)
	var wg sync.WaitGroup
	for i := range 2 * partitions { // two writers a partition
		wg.Go(func() {
			p := schemas.Partition{Topic: schemas.Samples, Number: int32(i % partitions)}
			for n := range appends {
				if _, err := c.Append(ctx, p, []schemas.Record{{Value: fmt.Appendf(nil, "%d-%d", i, n)}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range int32(partitions) {
		if got := readAll(t, c, schemas.Partition{Topic: schemas.Samples, Number: i}, 0); len(got) != 2*appends {
			t.Errorf("partition %d holds %d", i, len(got))
		}
	}
}

// pollBlocksNothing: a fetch that waits gets the record of an append that is made meanwhile.
func pollBlocksNothing(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 1), bounded(t)
	c.cfg.FetchMaxWait = maxFetchWait
	got := make(chan dataflow.Fetched)
	go func() {
		f, err := c.Fetch(ctx, p0, 0)
		if err != nil {
			t.Error(err)
		}
		got <- f
	}()
	time.Sleep(20 * time.Millisecond) // let the fetch be there first; the test holds either way
	if _, err := c.Append(ctx, p0, []schemas.Record{{Value: []byte("v")}}); err != nil {
		t.Fatal(err)
	}
	if f := <-got; len(f.Records) != 1 {
		t.Errorf("the append waited for the fetch: %+v", f)
	}
}

func ensureTopics(t *testing.T, newLog func(testing.TB, int) *Client) {
	c, ctx := newLog(t, 3), bounded(t)
	if has, err := c.Exists(ctx, schemas.Control); has || err != nil {
		t.Errorf("before it was made control exists: %t, %v", has, err)
	}
	specs := []TopicSpec{{schemas.Control, 1, map[string]string{"retention.ms": "-1"}}, {schemas.Windows, 3, nil}}
	var wg sync.WaitGroup
	for range 4 { // processes that start at once
		wg.Go(func() {
			if err := c.EnsureTopics(ctx, specs); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if has, err := c.Exists(ctx, schemas.Control); !has || err != nil {
		t.Errorf("control exists: %t, %v", has, err)
	}
	for topic, want := range map[schemas.Topic]int{schemas.Control: 1, schemas.Windows: 3, schemas.Samples: 3} {
		if n, err := c.Partitions(ctx, topic); n != want || err != nil {
			t.Errorf("%s has %d partitions, %v", topic, n, err)
		}
	}
	has, err := c.configs(ctx, c.names.Of(schemas.Control), []string{"retention.ms"})
	if err != nil || has["retention.ms"] != "-1" {
		t.Errorf("control: %v, %v", has, err)
	}
	err = c.EnsureTopics(ctx, []TopicSpec{{schemas.Windows, 4, nil}})
	if err == nil || !strings.Contains(err.Error(), c.names.Of(schemas.Windows)+" has 3 partitions, wants 4") {
		t.Errorf("mismatch: %v", err)
	}
	if err := c.EnsureTopics(ctx, []TopicSpec{{schemas.Reports, 2, nil}}); err != nil {
		t.Errorf("reports may have more: %v", err)
	}
	if err := c.CheckReports(ctx); err != nil {
		t.Errorf("reports: %v", err)
	}
}

// expectCanceled runs fn with a context that ends and checks that it comes back with that.
func expectCanceled(t *testing.T, fn func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := fn(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
