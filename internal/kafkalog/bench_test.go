package kafkalog

import (
	"bytes"
	"fmt"
	"math/rand"
	"testing"

	"detour/schemas"
)

// benchBatch is 1000 records of 600 bytes, about as compressible as JSON reports.
func benchBatch() []schemas.Record {
	rng := rand.New(rand.NewSource(1))
	records := make([]schemas.Record, 1000)
	for i := range records {
		value := bytes.Repeat([]byte(`{"start":1234,"d":56.7,"sc":200,"size":512,"ttfb":43.2}`), 11)[:600]
		for range 100 {
			value[rng.Intn(len(value))] = byte('0' + rng.Intn(10))
		}
		records[i] = schemas.Record{Time: int64(i + 1), Key: fmt.Appendf(nil, "%08d", i), Value: value}
	}
	return records
}

func BenchmarkAppend(b *testing.B) {
	for _, compression := range []string{"none", "lz4", "zstd"} {
		b.Run(compression, func(b *testing.B) {
			_, addr := broker(b)
			cfg := testConfig(addr)
			cfg.Compression = compression
			c, batch := client(b, cfg, uniqueNames(), 1), benchBatch()
			b.SetBytes(int64(size(batch)))
			for b.Loop() {
				if _, err := c.Append(b.Context(), p0, batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(batch)*b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func BenchmarkFetch(b *testing.B) {
	for _, compression := range []string{"none", "lz4", "zstd"} {
		b.Run(compression, func(b *testing.B) {
			_, addr := broker(b)
			cfg := testConfig(addr)
			cfg.Compression = compression
			c, batch := client(b, cfg, uniqueNames(), 1), benchBatch()
			for range 100 {
				if _, err := c.Append(b.Context(), p0, batch); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(100 * size(batch)))
			b.ReportAllocs()
			for b.Loop() {
				if got := readAll(b, c, p0, 0); len(got) != 100*len(batch) {
					b.Fatal(len(got))
				}
			}
			b.ReportMetric(float64(100*len(batch)*b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
