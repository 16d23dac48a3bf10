package replay

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"

	"detour/ingest"
	"detour/schemas"
	"detour/schemas/sample"
)

// samples writes what ingest would: a batch of every source for each samples partition, every few seconds.
func (c *crashed) samples(ctx context.Context) error {
	rng := rand.New(rand.NewPCG(1, 2))
	slot := c.genesis.Pane / slots
	start := c.genesis.PaneOf(time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixMilli())
	offsets, turn := int64(0), 0 // every source has as many reports
	for i := range int64(length*slots + openSlots) {
		batches := make([][]*sample.Batch, c.genesis.Samples)
		for source := range int32(sources) {
			const runs = perPane / slots / sources
			head := sample.Head{
				Genesis: c.genesis.Hash(), Source: source, Sources: sources, From: offsets, To: offsets + runs,
				Origin: start, Mark: start + (i+1)*slot - 1, Counts: sample.Counts{Reports: runs, Samples: 4 * runs},
			}
			for p := range batches {
				batches[p] = append(batches[p], &sample.Batch{Head: head})
			}
			for k := range int64(runs) {
				n := rng.IntN(resolvers)
				if k < runs*inTurn/perPane {
					n, turn = turn%resolvers, turn+1
				}
				at := sample.Sample{Time: start + i*slot + k*slot/runs, Offset: offsets + k, Client: rng.Uint64(), Resolver: address(n)}
				b := batches[ingest.PartitionOf(at.Resolver, c.genesis.Samples)][source]
				b.Samples = appendRun(b.Samples, at, n, rng)
			}
		}
		offsets += perPane / slots / sources
		if err := c.appendSamples(ctx, batches); err != nil {
			return err
		}
	}
	return nil
}

func (c *crashed) appendSamples(ctx context.Context, batches [][]*sample.Batch) error {
	g, ctx := errgroup.WithContext(ctx)
	for p := range batches {
		g.Go(func() error {
			var records []schemas.Record
			for _, b := range batches[p] {
				value, err := b.Encode()
				if err != nil {
					return err
				}
				records = append(records, schemas.Record{Value: value})
			}
			_, err := c.log.Append(ctx, schemas.Partition{Topic: schemas.Samples, Number: int32(p)}, records)
			return err
		})
	}
	return g.Wait()
}

// address spreads resolvers over the address space, as they are: a quarter of them has IPv6.
func address(n int) netip.Addr {
	spread := uint32(n+1) * 2_654_435_761
	if n%4 == 0 {
		a := [16]byte{0x24}
		binary.BigEndian.PutUint32(a[2:], spread)
		return netip.AddrFrom16(a)
	}
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, spread)))
}

// appendRun appends the requests of a run: both paths over a new and a reused connection. The proxy is faster for seven
// resolvers out of ten.
func appendRun(rows []sample.Sample, s sample.Sample, n int, rng *rand.Rand) []sample.Sample {
	s.ASN, s.Country, s.Status = uint32(64512+n%500), 'D'<<8|'E', 200
	octaves := -0.6
	if n%10 >= 7 {
		octaves = 0.3
	}
	for path := range uint8(2) {
		for _, class := range []sample.Class{sample.New, sample.Reused} {
			direct := float64(60_000+n%100*1000) * float64(4-class)
			s.Path, s.Class = path, class
			s.Duration = uint32(direct * math.Exp2(0.1*rng.NormFloat64()))
			if path == 1 {
				ratio := octaves + 0.1*rng.NormFloat64()
				s.Duration = uint32(direct * math.Exp2(ratio))
				s.Ratio, s.Paired = int16(ratio*sample.RatioOne), true
			}
			rows = append(rows, s)
			s.Ordinal++
		}
	}
	return rows
}
