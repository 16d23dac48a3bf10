package kafkalog

import (
	"bytes"
	"testing"

	"detour/schemas"
)

// TestAHugeRecordIsRead: a report that is far too large, which compression lets through a broker, has to reach ingest,
// which rejects it; a source must not stand still in front of it.
func TestAHugeRecordIsRead(t *testing.T) {
	const size = 20 << 20
	_, addr := broker(t)
	c, ctx := client(t, testConfig(addr), uniqueNames(), 1), bounded(t)
	p := schemas.Partition{Topic: schemas.Reports}
	for _, value := range [][]byte{[]byte("before"), bytes.Repeat([]byte("x"), size), []byte("behind")} {
		if _, err := c.Append(ctx, p, []schemas.Record{{Value: value}}); err != nil {
			t.Fatal(err)
		}
	}
	var sizes []int
	for next := int64(0); next < 3; {
		f, err := c.Fetch(ctx, p, next)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Records {
			sizes = append(sizes, len(r.Value))
		}
		next = f.Next
	}
	if len(sizes) != 3 || sizes[1] != size || size < c.cfg.FetchMaxBytes {
		t.Errorf("read records of %v bytes with fetches of %d", sizes, c.cfg.FetchMaxBytes)
	}
}
