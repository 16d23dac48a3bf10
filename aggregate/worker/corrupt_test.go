package worker

import (
	"bytes"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"detour/internal/dataflow/memlog"
	"detour/schemas"
	"detour/schemas/sample"
	"detour/schemas/window"
)

func TestRubbishInWindowsIsNoSeal(t *testing.T) {
	log := memlog.All(1)
	if _, err := log.Append(t.Context(), windows, []schemas.Record{{Value: []byte("a")}}); err != nil {
		t.Fatal(err)
	}
	m, err := newWorker(log).Resume(t.Context(), 0)
	if err != nil || m.Next().Offset != 0 {
		t.Errorf("%v, %v", m, err)
	}
}

// sendRows appends a report's samples, for so many resolvers, and moves the mark.
func sendRows(t *testing.T, log *memlog.Log, offset, mark int64, resolvers byte) {
	t.Helper()
	b := sample.Batch{Head: sample.Head{Genesis: testGenesis().Hash(), Sources: 1, From: offset, To: offset + 1, Origin: 70_000, Mark: mark}}
	for i := range resolvers {
		b.Samples = append(b.Samples, sample.Sample{
			Time: mark, Offset: offset, Ordinal: int32(i), Resolver: netip.AddrFrom4([4]byte{192, 0, 2, i}), Duration: 1000 * uint32(i),
		})
	}
	value, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := log.Append(t.Context(), samples, []schemas.Record{{Value: value}}); err != nil {
		t.Fatal(err)
	}
}

// meaning is what panes say, without where to resume.
func meaning(panes []*window.Pane) (all []string) {
	for _, p := range panes {
		all = append(all, fmt.Sprint(p.Start, p.Seal.Digest, p.Seal.Totals))
	}
	return all
}

// chunked returns a worker that cuts a pane into a record for each window.
func chunked(log *memlog.Log) *Worker {
	w := newWorker(log)
	w.ChunkBytes = 1
	return w
}

// TestAPaneWhoseLastWritingIsBrokenIsWrittenAgain: with its seal or a chunk before it gone, a pane was never there.
func TestAPaneWhoseLastWritingIsBrokenIsWrittenAgain(t *testing.T) {
	flip := func(value []byte) []byte {
		value = bytes.Clone(value)
		value[4] ^= 1
		return value
	}
	for name, broken := range map[string]struct {
		back int // records from the end
		with func([]byte) []byte
	}{
		"a flipped bit in the seal": {1, flip},
		"the seal is cut short":     {1, func(v []byte) []byte { return v[:len(v)/2] }},
		"the seal is empty":         {1, func([]byte) []byte { return nil }},
		"a seal of another version": {1, func(v []byte) []byte { return bytes.Replace(v, []byte("window-v1"), []byte("window-v9"), 1) }},
		"a flipped bit in a chunk":  {2, flip},
		"a seal of another pane's rows": {1, func(v []byte) []byte {
			before, digest, _ := bytes.Cut(v, []byte(`"digest":"`))
			return slices.Concat(before, []byte(`"digest":"`), []byte{digest[0] ^ 1}, digest[1:])
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := memlog.All(1)
				for i, mark := range []int64{70_000, 135_000, 200_000, 260_000} {
					sendRows(t, log, int64(i), mark, 3)
				}
				run(t, chunked(log))
				records, want := written(t, log), meaning(readBack(t, log))

				hurt := memlog.All(1)
				for i, mark := range []int64{70_000, 135_000, 200_000, 260_000} {
					sendRows(t, hurt, int64(i), mark, 3)
				}
				at := len(records) - broken.back
				records[at].Value = broken.with(records[at].Value)
				if _, err := hurt.Append(t.Context(), windows, records); err != nil {
					t.Fatal(err)
				}
				if got := meaning(readBack(t, hurt)); len(got) != len(want)-1 {
					t.Fatalf("a reader takes %v", got)
				}
				run(t, chunked(hurt))
				if got := meaning(readBack(t, hurt)); !reflect.DeepEqual(got, want) || len(written(t, hurt)) != len(records)+3 {
					t.Errorf("%v, want %v", got, want)
				}
			})
		})
	}
}

// TestTwoOwnersAtOnceHarmNoReader: one lost its partition and does not know yet.
func TestTwoOwnersAtOnceHarmNoReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		alone, both := memlog.All(1), memlog.All(1)
		for i := range int64(20) {
			for _, log := range []*memlog.Log{alone, both} {
				sendRows(t, log, i, 70_000+i*25_000, 5)
			}
		}
		run(t, chunked(alone))
		var owners errgroup.Group
		for range 2 {
			owners.Go(func() error {
				run(t, chunked(both))
				return nil
			})
		}
		if err := owners.Wait(); err != nil {
			t.Fatal(err)
		}
		if got, want := meaning(readBack(t, both)), meaning(readBack(t, alone)); !reflect.DeepEqual(got, want) || len(want) < 7 {
			t.Errorf("%v, want %v", got, want)
		}
		if n, one := len(written(t, both)), len(written(t, alone)); n <= one {
			t.Errorf("%d records of two owners, %d of one: the test is about nothing", n, one)
		}
	})
}

// A corrupt record of samples ends up in rejects with its place.
func TestACorruptSampleIsQuarantinedAndTheStageGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := memlog.All(1)
		send(t, log, 0, 70_000)
		if _, err := log.Append(t.Context(), samples, []schemas.Record{{Value: []byte("rubbish")}}); err != nil {
			t.Fatal(err)
		}
		send(t, log, 2, 200_000)
		w := newWorker(log)
		w.Logger = zerolog.New(zerolog.NewTestWriter(t))
		run(t, w)
		marked, lost := incomplete(readBack(t, log))
		f, err := log.Fetch(t.Context(), schemas.Partition{Topic: schemas.Rejects}, 0)
		if err != nil || len(f.Records) != 1 || len(marked) != 2 || lost != 1 {
			t.Fatalf("%d rejects, %v; %v incomplete, %d lost", len(f.Records), err, marked, lost)
		}
		if at, _ := f.Records[0].Header("detour-at"); string(at) != "samples/0@1" {
			t.Errorf("at %s", at)
		}
	})
}
