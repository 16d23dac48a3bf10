package consumer

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/sample"
)

// busy sends a report every 10 ms of fake time, so that no fetch comes back empty.
func busy(t *testing.T, log *memlog.Log, n int) {
	t.Helper()
	for range n {
		time.Sleep(memlog.Wait / 5)
		send(t, log, time.Now().UnixMilli())
	}
}

func heartbeats(t *testing.T, log *memlog.Log) (n int) {
	t.Helper()
	for at, end := int64(0), bounds(t, log); at < end; {
		f, err := log.Fetch(t.Context(), reports, at)
		if err != nil {
			t.Fatal(err)
		}
		for i := range f.Records {
			if _, beat := f.Records[i].Header(schemas.HeartbeatHeader); beat {
				n++
			}
		}
		at = f.Next
	}
	return n
}

func bounds(t *testing.T, log *memlog.Log) int64 {
	t.Helper()
	_, end, err := log.Bounds(t.Context(), reports)
	if err != nil {
		t.Fatal(err)
	}
	return end
}

func TestABusySourceThatIsUndecidedIsToldTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		go busy(t, log, 2900)
		if err := runFor(t, newConsumer(log, memlog.NewGroup(log), Default()), 29*time.Second+memlog.Wait/2); err != nil {
			t.Fatal(err)
		}
		all := batches(t, log)
		if n := heartbeats(t, log); n != 1 || len(all) < 2000 {
			t.Errorf("%d heartbeats, %d batches", n, len(all))
		}
		if last := all[len(all)-1].Head; last.Mark < time.Now().Add(-time.Second).UnixMilli() {
			t.Errorf("it ends at %d", last.Mark)
		}
	})
}

func TestABusySourceGoesOnBehindAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		members := memlog.NewGroup(log)
		tell(t, log, time.Now().UnixMilli())
		if err := runFor(t, newConsumer(log, members, Default()), time.Millisecond); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour / 2) // nothing was sent, nobody ran
		begin := time.Now().UnixMilli()
		go busy(t, log, 3000)
		if err := runFor(t, newConsumer(log, members, Default()), 31*time.Second); err != nil {
			t.Fatal(err)
		}
		rows := 0
		for _, b := range batches(t, log) {
			for _, s := range b.Samples {
				if rows++; s.Flags != 0 || s.Time < begin {
					t.Fatalf("the report at %d counts at %d with flags %d", s.Offset, s.Time-begin, s.Flags)
				}
			}
		}
		if rows != 3000 {
			t.Errorf("%d rows", rows)
		}
	})
}

func TestASourceThatLagsGetsNoHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		for range 5000 { // more than settles what time it is
			send(t, log, 1_000_000)
		}
		c := newConsumer(log, memlog.NewGroup(log), Default())
		if err := runFor(t, c, memlog.Wait/2); err != nil { // until it waits at the end
			t.Fatal(err)
		}
		if n := heartbeats(t, log); n != 0 {
			t.Errorf("%d heartbeats in a log that was not read to its end", n)
		}
	})
}

// An ingest that was away for an hour finds the reports of that hour, and those that come while it catches up.
func TestAnIngestThatLagsByAnHourCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		members := memlog.NewGroup(log)
		tell(t, log, time.Now().UnixMilli())
		if err := runFor(t, newConsumer(log, members, Default()), time.Millisecond); err != nil {
			t.Fatal(err)
		}
		sent := map[int64]int64{}
		for range 3600 {
			time.Sleep(time.Second)
			sent[bounds(t, log)] = time.Now().UnixMilli()
			send(t, log, time.Now().UnixMilli())
		}
		go busy(t, log, 1000)
		if err := runFor(t, newConsumer(log, members, Default()), time.Minute); err != nil {
			t.Fatal(err)
		}
		all := batches(t, log)
		var counts sample.Counts
		for i, b := range all {
			if i > 0 && b.Head.From != all[i-1].Head.To {
				t.Errorf("[%d, %d) follows %d", b.Head.From, b.Head.To, all[i-1].Head.To)
			}
			counts.Samples += b.Head.Counts.Samples
			counts.Rejected += b.Head.Counts.Rejected
			for _, s := range b.Samples {
				if want, old := sent[s.Offset]; s.Flags != 0 || old && s.Time != want {
					t.Fatalf("the report at %d counts at %d with flags %d, want %d", s.Offset, s.Time, s.Flags, want)
				}
			}
		}
		marks := slices.IsSortedFunc(all, func(a, b *sample.Batch) int { return int(a.Head.Mark - b.Head.Mark) })
		if counts.Samples != 4600 || counts.Rejected != 0 || !marks {
			t.Errorf("%+v, marks in order: %t", counts, marks)
		}
	})
}
