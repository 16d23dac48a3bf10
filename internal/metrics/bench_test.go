package metrics

import (
	"context"
	"net/netip"
	"testing"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/sample"
)

// nowhere is a log that costs nothing.
type nowhere struct{ dataflow.Log }

func (nowhere) Append(context.Context, schemas.Partition, []schemas.Record) (int64, error) {
	return 0, nil
}

func (nowhere) Fetch(_ context.Context, p schemas.Partition, offset int64) (dataflow.Fetched, error) {
	return dataflow.Fetched{Next: offset + 1, End: offset + 2}, nil
}

// BenchmarkWatching is what it costs to watch: a fetch, and an append of a full batch of samples, beside what encoding that
// batch costs.
func BenchmarkWatching(b *testing.B) {
	const rows = 8192
	batch := sample.Batch{Head: sample.Head{Genesis: "g", Sources: 1, To: rows, Mark: 1}, Samples: make([]sample.Sample, rows)}
	for i := range batch.Samples {
		batch.Samples[i] = sample.Sample{Offset: int64(i), Resolver: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)})}
	}
	value, err := batch.Encode()
	if err != nil {
		b.Fatal(err)
	}
	p := schemas.Partition{Topic: schemas.Samples}
	st := New("v1", "ingest", 60_000).Stage(Ingest, schemas.Samples)
	log, records := st.Log(nowhere{}), []schemas.Record{{Partition: p, Value: value}}
	ctx, end := st.Loop(b.Context(), "reports/0")
	defer end()
	b.Run("fetch", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = log.Fetch(ctx, p, 0)
		}
	})
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = log.Append(ctx, p, records)
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = batch.Encode()
		}
	})
}
