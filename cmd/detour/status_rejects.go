package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"detour/internal/dataflow"
	"detour/internal/status"
	"detour/schemas"
	"detour/schemas/reject"
)

const (
	hour = 3_600_000 // ms
	// lookedRejects is how many rejects are read, and fewestRejects of each partition: the number of the others is known.
	lookedRejects = 500
	fewestRejects = 20
)

// rejects is what was refused within the last hour, by the clock that appends have, and how many records of reports there
// were within the last hour of event time.
func (s *survey) rejects(ctx context.Context) error {
	n, err := s.p.log.Partitions(ctx, schemas.Rejects)
	if err != nil {
		return err
	}
	found := &status.Rejects{Reasons: make(map[string]int64), Reports: s.reports(ctx)}
	var last int64 // time of found.Last
	s.each(ctx, schemas.Rejects, n, func(ctx context.Context, p schemas.Partition) error {
		from, end, err := s.since(ctx, p, s.facts.Wall-hour)
		if err != nil {
			return err
		}
		records, err := dataflow.Range(ctx, s.p.log, p, max(from, end-max(fewestRejects, int64(lookedRejects/n))), end)
		if err != nil {
			return err
		}
		s.with(func(*status.Facts) {
			found.Hour += end - from
			found.Looked += int64(len(records))
			for i := range records {
				r, err := reject.Decode(&records[i])
				if err != nil {
					continue
				}
				found.Reasons[string(r.Reason)]++
				if records[i].Time >= last {
					last, found.Last = records[i].Time, fmt.Sprintf("%s: %s", r.At, r.Detail)
				}
			}
		})
		return nil
	})
	s.with(func(f *status.Facts) { f.Rejects = found })
	return nil
}

// reports counts the records of the last hour, -1 where a partition does not answer.
func (s *survey) reports(ctx context.Context) int64 {
	n, err := s.p.log.Partitions(ctx, schemas.Reports)
	if err != nil {
		return -1
	}
	var count atomic.Int64
	var silent atomic.Bool
	s.each(ctx, schemas.Reports, n, func(ctx context.Context, p schemas.Partition) error {
		from, end, err := s.since(ctx, p, s.facts.Now-hour)
		if err != nil {
			silent.Store(true)
		}
		count.Add(end - from)
		return nil // that it does not answer is said where its lag is asked for
	})
	if silent.Load() {
		return -1
	}
	return count.Load()
}

// since returns where the records of p begin that are of a time or later, and where they end.
func (s *survey) since(ctx context.Context, p schemas.Partition, ms int64) (from, end int64, err error) {
	if from, err = s.p.kafka.OffsetAt(ctx, p, ms); err != nil {
		return 0, 0, err
	}
	start, end, err := s.p.log.Bounds(ctx, p)
	return min(max(from, start), end), end, err
}
