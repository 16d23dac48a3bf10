package replay

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
)

func some(n int) []Report {
	all := make([]Report, n)
	for i := range all {
		all[i] = Report{Partition: int32(i % 3), Time: 1_000_000 + int64(i)*100, Value: fmt.Append(nil, i)}
	}
	return all
}

func read(t *testing.T, log *memlog.Log, partition int32) []schemas.Record {
	t.Helper()
	p := schemas.Partition{Topic: schemas.Reports, Number: partition}
	_, end, err := log.Bounds(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	records, err := dataflow.Range(t.Context(), log, p, 0, end)
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func TestFeedKeepsOrderAndTimesAndEndsWithHeartbeats(t *testing.T) {
	log := memlog.All(3)
	var told int64
	feed := Feed{Log: log, Reports: slices.Values(some(7000)), End: 5_000_000, Progress: func(n int64) { told = n }}
	sent, err := feed.Run(t.Context())
	if err != nil || sent != 7000 || told != 7000 {
		t.Fatalf("sent %d, told %d, %v", sent, told, err)
	}
	total := 0
	for p := range int32(3) {
		records := read(t, log, p)
		last := records[len(records)-1]
		if _, beat := last.Header(schemas.HeartbeatHeader); !beat || last.Time != 5_000_000 {
			t.Errorf("partition %d ends with %+v", p, last)
		}
		for i, r := range records[:len(records)-1] {
			want := 3*i + int(p)
			if string(r.Value) != fmt.Sprint(want) || r.Time != 1_000_000+int64(want)*100 {
				t.Fatalf("partition %d, record %d: %q at %d", p, i, r.Value, r.Time)
			}
			total++
		}
	}
	if total != 7000 {
		t.Errorf("%d records", total)
	}
}

func TestALiveFeedIsPacedAndHasTheTimeOfNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		begin := time.Now()
		feed := Feed{Log: log, Reports: slices.Values(some(11)), End: 1_002_000, Live: true}
		if _, err := feed.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took != 2*time.Second { // fake time: exact
			t.Errorf("it took %s", took)
		}
		for i, r := range read(t, log, 0) {
			if want := begin.UnixMilli() + min(int64(i), 20)*100; i < 11 && r.Time != want {
				t.Errorf("record %d at %d, want %d", i, r.Time, want)
			}
		}
	})
}

func TestAFeedEndsWithItsContextAndItsLog(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	feed := Feed{Log: memlog.All(1), Reports: slices.Values(some(10))}
	if _, err := feed.Run(ctx); err == nil {
		t.Error("no error from a cancelled feed")
	}
	feed.Log = memlog.New(map[schemas.Topic]int{schemas.Samples: 1})
	if _, err := feed.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "reports") {
		t.Errorf("without a topic: %v", err)
	}
}
