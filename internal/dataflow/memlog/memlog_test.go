package memlog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"detour/internal/dataflow"
	"detour/internal/dataflow/memlog"
	"detour/schemas"
)

var maps = schemas.Partition{Topic: schemas.Maps}

func values(records []schemas.Record) string {
	s := ""
	for _, r := range records {
		s += fmt.Sprintf("%d=%s ", r.Offset, r.Value)
	}
	return s
}

func add(t *testing.T, l *memlog.Log, values ...string) int64 {
	t.Helper()
	var records []schemas.Record
	for _, v := range values {
		records = append(records, schemas.Record{Value: []byte(v)})
	}
	first, err := l.Append(t.Context(), maps, records)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

func TestAppendedRecordsAreReadInOrder(t *testing.T) {
	l := memlog.All(1)
	if first := add(t, l, "a", "b"); first != 0 {
		t.Errorf("first append at %d", first)
	}
	if first := add(t, l, "c"); first != 2 {
		t.Errorf("second append at %d", first)
	}
	f, err := l.Fetch(t.Context(), maps, 1)
	if err != nil || values(f.Records) != "1=b 2=c " || f.Next != 3 || f.Start != 0 || f.End != 3 {
		t.Errorf("got %s next %d of [%d, %d), %v", values(f.Records), f.Next, f.Start, f.End, err)
	}
	if r := f.Records[0]; r.Partition != maps || r.Time == 0 {
		t.Errorf("record %s at time %d", r.At(), r.Time)
	}
}

func TestAFetchIsBounded(t *testing.T) {
	l := memlog.All(1)
	add(t, l, make([]string, memlog.MaxFetch+1)...)
	f, err := l.Fetch(t.Context(), maps, 0)
	if err != nil || len(f.Records) != memlog.MaxFetch || f.Next != memlog.MaxFetch {
		t.Fatalf("%d records, next %d, %v", len(f.Records), f.Next, err)
	}
	records, err := dataflow.Range(t.Context(), l, maps, 0, f.End)
	if err != nil || len(records) != memlog.MaxFetch+1 {
		t.Errorf("%d records, %v", len(records), err)
	}
}

func TestAFetchAtTheEndWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memlog.All(1)
		begun := time.Now()
		f, err := l.Fetch(t.Context(), maps, 0)
		if err != nil || len(f.Records) != 0 || time.Since(begun) != memlog.Wait {
			t.Errorf("%d records after %v, %v", len(f.Records), time.Since(begun), err)
		}
		begun = time.Now()
		go func() {
			time.Sleep(memlog.Wait / 2)
			if _, err := l.Append(t.Context(), maps, []schemas.Record{{Value: []byte("x")}}); err != nil {
				t.Error(err)
			}
		}()
		f, err = l.Fetch(t.Context(), maps, 0)
		if err != nil || values(f.Records) != "0=x " || time.Since(begun) != memlog.Wait/2 {
			t.Errorf("got %s after %v, %v", values(f.Records), time.Since(begun), err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := l.Fetch(ctx, maps, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

func TestOutsideOfItsBounds(t *testing.T) {
	l := memlog.All(1)
	add(t, l, "a", "b", "c")
	if err := l.Trim(maps, 2); err != nil {
		t.Fatal(err)
	}
	if start, end, err := l.Bounds(t.Context(), maps); start != 2 || end != 3 || err != nil {
		t.Errorf("[%d, %d), %v", start, end, err)
	}
	for _, offset := range []int64{-1, 0, 1, 4} {
		f, err := l.Fetch(t.Context(), maps, offset)
		if !errors.Is(err, dataflow.ErrOutOfRange) || f.Start != 2 || f.End != 3 {
			t.Errorf("fetch at %d: [%d, %d), %v", offset, f.Start, f.End, err)
		}
	}
	f, err := l.Fetch(t.Context(), maps, 2)
	if err != nil || values(f.Records) != "2=c " {
		t.Errorf("got %s, %v", values(f.Records), err)
	}
	if err := l.Trim(maps, 1); !errors.Is(err, dataflow.ErrOutOfRange) {
		t.Errorf("trim backwards: %v", err)
	}
	nowhere := schemas.Partition{Topic: schemas.Maps, Number: 1}
	if _, err := l.Fetch(t.Context(), nowhere, 0); err == nil {
		t.Error("fetched from a partition that is not there")
	}
	if _, err := memlog.New(nil).Partitions(t.Context(), schemas.Maps); err == nil {
		t.Error("a topic that is not there has partitions")
	}
	if n, err := memlog.All(3).Partitions(t.Context(), schemas.Windows); n != 3 || err != nil {
		t.Errorf("%d partitions, %v", n, err)
	}
}

func TestTheWriterMayReuseItsBuffers(t *testing.T) {
	l := memlog.All(1)
	value, header := []byte("one"), []byte("h")
	if _, err := l.Append(t.Context(), maps, []schemas.Record{{Value: value, Headers: []schemas.Header{{Key: "k", Value: header}}}}); err != nil {
		t.Fatal(err)
	}
	copy(value, "two")
	header[0] = 'x'
	f, err := l.Fetch(t.Context(), maps, 0)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := f.Records[0].Header("k"); string(f.Records[0].Value) != "one" || string(v) != "h" || f.Records[0].Key != nil {
		t.Errorf("%q, %q, key %v", f.Records[0].Value, v, f.Records[0].Key)
	}
}
