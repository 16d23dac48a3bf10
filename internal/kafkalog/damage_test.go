package kafkalog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"pgregory.net/rapid"

	"detour/schemas"
)

// read describes what is read from offset to the end, and where each fetch went on.
func read(t testing.TB, c *Client, p schemas.Partition, offset int64) string {
	t.Helper()
	var all []string
	for {
		f, err := c.Fetch(bounded(t), p, offset)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range f.Records {
			if why, lost := r.Unreadable(); lost {
				all = append(all, fmt.Sprintf("%d lost: %s", r.Offset, why))
			} else {
				all = append(all, fmt.Sprintf("%d %s", r.Offset, r.Value))
			}
		}
		if f.Next <= offset && f.Next < f.End {
			t.Fatalf("stands still at %d: %s", offset, strings.Join(all, "\n"))
		}
		if offset = f.Next; offset >= f.End {
			return strings.Join(all, "\n")
		}
	}
}

// TestAFetchGoesOnBehindADamagedBatch: however a batch is damaged, one record stands for what it held, and says so.
func TestAFetchGoesOnBehindADamagedBatch(t *testing.T) {
	good := at(2, "c", "d", "e").bytes()
	short := at(2, "c", "d", "e")
	short.body = short.body[:len(short.body)-4]
	over := at(2, "c", "d", "e")
	over.body[0] = 100
	many := at(2, "c", "d", "e")
	many.count = 9
	offsets := at(2, "c", "d", "e")
	offsets.body[3] = 40
	headers := at(2, "c", "d", "e")
	headers.body[len(headers.body)-1] = 90
	zstd := at(2, "c", "d", "e").compressed(t, 4)
	zstd.body = zstd.body[:len(zstd.body)-6]
	flipped := func(place int) []byte { return flip(good, place) }
	for name, test := range map[string]struct {
		bytes []byte
		want  string // of the records from offset 2 to 5
	}{
		"a bit of a value":         {flipped(len(good) - 2), "2 lost: a batch with CRC"},
		"a bit of the CRC":         {flipped(batchCRC), "2 lost: a batch with CRC"},
		"a bit of the last offset": {flipped(batchBody + 5), "2 lost: a batch with CRC"},
		"a bit of the attributes":  {flipped(batchBody), "2 lost: a batch with CRC"},
		"a bit of the format":      {flipped(batchMagic), "2 lost: a batch in format 18, not 2"},
		"a length above the rest":  {flipped(8), "2 lost: a batch of"},
		"a length of zero":         {binary.BigEndian.AppendUint32(good[:8:8], 0), "2 lost: a batch of 12 bytes"},
		"an offset far above":      {flipped(1), "2 lost: a batch from"},
		"records cut short":        {short.bytes(), "2 c\n3 d\n4 lost: a batch whose records from 4 on can't be decoded: unexpected EOF"},
		"a record too long":        {over.bytes(), "2 lost: a batch whose records from 2 on can't be decoded: unexpected EOF"},
		"more records than bytes":  {many.bytes(), "2 c\n3 d\n4 e"},
		"an offset outside":        {offsets.bytes(), "2 lost: a batch whose records from 2 on"},
		"more headers than bytes":  {headers.bytes(), "2 c\n3 d\n4 lost: a batch whose records from 4 on can't be decoded: a record with 45 headers"},
		"a cut zstd frame":         {zstd.bytes(), "2 lost: a batch whose records from 2 on"},
		"no zstd at all":           {at(2, "c", "d", "e").with(4, -1).bytes(), "2 lost: a batch whose records from 2 on"},
		"no snappy at all":         {at(2, "c", "d", "e").with(2, -1).bytes(), "2 lost: a batch whose records from 2 on"},
		"an unknown compression":   {at(2, "c", "d", "e").with(7, -1).bytes(), "2 lost: a batch whose records from 2 on can't be decoded: compression 7"},
		"bytes that are no batch":  {[]byte("what is this?"), "2 lost: a batch of"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cluster, addr := broker(t)
			var log lines
			names := uniqueNames()
			client(t, testConfig(addr), names, 1)
			c, err := New(testConfig(addr), names, zerolog.New(&log))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			new(shelf).put(at(0, "a", "b")).bad(5, test.bytes).put(at(5, "f")).serve(cluster)
			got := read(t, c, p0, 0)
			if !strings.HasPrefix(got, "0 a\n1 b\n"+test.want) || !strings.HasSuffix(got, "\n5 f") {
				t.Errorf("read\n%s\nwant\n%s", got, test.want)
			}
			if strings.Contains(got, "lost") != (log.count("offsets are lost") == 1) {
				t.Errorf("log: %s", log.b.String())
			}
			if i := strings.Index(got, "lost"); i >= 0 && !strings.Contains(got[i:], ", 5) can't be read\n") {
				t.Errorf("the range is not said: %s", got)
			}
			if strings.HasPrefix(test.want, "2 lost") { // from within it
				if got := read(t, c, p0, 4); !strings.HasPrefix(got, "4 lost") || !strings.Contains(got, "offsets [4, 5)") || !strings.HasSuffix(got, "\n5 f") {
					t.Errorf("from its middle: %s", got)
				}
			}
		})
	}
}

// TestTheLastBatchMayBeDamaged: what is appended behind it later is read.
func TestTheLastBatchMayBeDamaged(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 1)
	bad := at(2, "c", "d").bytes()
	new(shelf).put(at(0, "a", "b")).bad(4, flip(bad, len(bad)-2)).serve(cluster)
	if got := read(t, c, p0, 0); !strings.HasPrefix(got, "0 a\n1 b\n2 lost: ") || !strings.Contains(got, "offsets [2, 4)") {
		t.Errorf("read %s", got)
	}
}

// TestABrokerThatRefusesABatchIsPassedOver: but not one that refuses all there is.
func TestABrokerThatRefusesABatchIsPassedOver(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	c := client(t, testConfig(addr), uniqueNames(), 1)
	s := new(shelf).put(at(0, "a", "b")).put(at(2, "c", "d", "e")).put(at(5, "f"))
	s.corrupt = func(offset int64) bool { return offset >= 2 && offset < 5 }
	s.serve(cluster)
	if got := read(t, c, p0, 2); got != "2 lost: the broker calls a batch corrupt: offsets [2, 5) can't be read\n5 f" {
		t.Errorf("read %s", got)
	}
	s.corrupt = func(int64) bool { return true }
	if f, err := c.Fetch(bounded(t), p0, 0); err == nil || !strings.Contains(err.Error(), "fetch samples/0@0: the broker calls") {
		t.Errorf("all refused: %+v, %v", f, err)
	}
}

// TestDamagedBatchesAreFoundToTheOffset: random logs, some batches of which are damaged. What is read is what is whole,
// and what is said to be lost is what is not, from wherever one starts.
func TestDamagedBatchesAreFoundToTheOffset(t *testing.T) {
	t.Parallel()
	cluster, addr := broker(t)
	cfg := testConfig(addr)
	cfg.FetchMaxBytes = minFetchBytes
	c := client(t, cfg, uniqueNames(), 1)
	c.backoff = time.Millisecond
	var s shelf
	s.put(at(0, "x")).serve(cluster)
	rapid.Check(t, func(rt *rapid.T) {
		next, fine := int64(0), map[int64]bool{}
		s.batches = nil
		for range rapid.IntRange(1, 4).Draw(rt, "batches") {
			values := make([]string, rapid.IntRange(1, 40).Draw(rt, "records"))
			b := at(next, values...)
			good, data := rapid.Bool().Draw(rt, "good"), b.bytes()
			if !good {
				data = flip(data, rapid.IntRange(batchCRC, len(data)-1).Draw(rt, "flip"))
			}
			for range values {
				fine[next] = good
				next++
			}
			s.bad(next, data)
		}
		for offset := rapid.Int64Range(0, next-1).Draw(rt, "offset"); offset < next; {
			f, err := c.Fetch(bounded(t), p0, offset)
			if err != nil {
				rt.Fatal(err)
			}
			for i, r := range f.Records {
				_, lost := r.Unreadable()
				for o := r.Offset; o < f.Next && (lost || o == r.Offset); o++ {
					if fine[o] == lost || o != offset+int64(i) && !lost {
						rt.Fatalf("offset %d, lost %t", o, lost)
					}
				}
			}
			if f.Next <= offset {
				rt.Fatalf("stands still at %d", offset)
			}
			offset = f.Next
		}
	})
}

// TestABitFlippedOnTheBrokersDisk: the broker itself does not notice.
func TestABitFlippedOnTheBrokersDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, addr := broker(t, kfake.DataDir(dir))
	cfg := testConfig(addr)
	cfg.Compression = "none"
	c, ctx := client(t, cfg, uniqueNames(), 1), bounded(t)
	for _, v := range []string{"first", "second", "third"} {
		if _, err := c.Append(ctx, p0, []schemas.Record{{Value: []byte(v)}, {Value: []byte("and " + v)}}); err != nil {
			t.Fatal(err)
		}
	}
	damaged := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if at := bytes.Index(data, []byte("and second")); err == nil && at >= 0 {
			damaged++
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte("AND"), int64(at))
			return errors.Join(err, f.Close())
		}
		return err
	})
	if err != nil || damaged != 1 {
		t.Fatalf("damaged %d files, %v", damaged, err)
	}
	got := read(t, c, p0, 0)
	if !strings.HasPrefix(got, "0 first\n1 and first\n2 lost: a batch with CRC ") ||
		!strings.HasSuffix(got, ": offsets [2, 4) can't be read\n4 third\n5 and third") {
		t.Errorf("read %s", got)
	}
}
