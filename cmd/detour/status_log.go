package main

import (
	"cmp"
	"context"
	"slices"

	aggregator "detour/aggregate/worker"
	"detour/ingest"
	"detour/internal/dataflow"
	"detour/internal/kafkalog"
	"detour/internal/status"
	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/window"
)

// What is read at most.
const (
	lookedPanes = 10       // of each windows partition
	lookedTicks = 30       // of decisions
	enoughTicks = 12       // of decisions, if there are as many in the records that are read first
	tickBytes   = 32 << 20 // of decisions, once there is a tick
)

// sources is where ingest stands in each partition of reports.
func (s *survey) sources(ctx context.Context) error {
	n, err := s.p.log.Partitions(ctx, schemas.Reports)
	if err != nil {
		return err
	}
	positions, err := s.p.kafka.Positions(ctx, s.p.cfg.group("ingest"), schemas.Reports, n)
	if err != nil {
		return err
	}
	found := make([]status.Source, n)
	s.each(ctx, schemas.Reports, n, func(ctx context.Context, p schemas.Partition) error {
		source, err := s.source(ctx, p, positions[p.Number])
		found[p.Number] = source
		return err
	})
	s.with(func(f *status.Facts) { f.Ingest = found })
	return nil
}

func (s *survey) source(ctx context.Context, p schemas.Partition, at kafkalog.Position) (status.Source, error) {
	source := status.Source{Number: p.Number, Waiting: -1}
	point, err := ingest.ParseCheckpoint(at.Offset, at.Metadata)
	if err != nil {
		return source, err
	}
	source.Heard, source.Mark = point.Heard, point.Mark
	start, end, err := s.p.log.Bounds(ctx, p)
	if err == nil {
		source.Waiting = max(0, end-max(start, at.Offset))
	}
	return source, err
}

// panes is where aggregate stands in each partition, and what its last panes say of paths.
func (s *survey) panes(ctx context.Context) error {
	sources, err := s.p.log.Partitions(ctx, schemas.Reports)
	if err != nil {
		return err
	}
	g := &s.p.cfg.Genesis
	latest := int64(64 + 4*sources) // every partition hears of every range of every source
	found := []status.Partition{}
	paths := make([]status.Path, len(g.Paths))
	for i, id := range g.PathIDs() {
		paths[i].ID = id
	}
	s.each(ctx, schemas.Samples, g.Samples, func(ctx context.Context, p schemas.Partition) error {
		at, err := aggregator.ReadStanding(ctx, s.p.log, p.Number, sources, latest)
		if err != nil {
			return err
		}
		s.with(func(*status.Facts) { found = append(found, partition(at, g.Pane, paths)) })
		return nil
	})
	slices.SortFunc(found, func(a, b status.Partition) int { return cmp.Compare(a.Number, b.Number) })
	s.with(func(f *status.Facts) { f.Panes, f.Paths = found, paths })
	return nil
}

// partition is what is told of one partition; its samples are added to those of paths.
func partition(at *aggregator.Standing, pane int64, paths []status.Path) status.Partition {
	p := status.Partition{Number: at.Partition}
	if sealed := at.Sealed(); sealed != window.NoPane {
		p.Sealed = sealed + pane
	}
	p.Watermark, _ = at.Watermark()
	p.Waits, p.Ahead = at.Holding()
	for _, last := range at.Panes[max(0, len(at.Panes)-lookedPanes):] {
		p.Looked++
		p.Lost += last.Seal.Totals.Lost
		if last.Seal.Totals.Incomplete {
			p.Incomplete++
		}
		for i := range last.Windows {
			if w := &last.Windows[i]; int(w.Path) < len(paths) {
				paths[w.Path].Samples += int64(w.Samples())
				paths[w.Path].Failures += int64(w.Failures())
			}
		}
	}
	return p
}

// ticks is the end of decisions. Where a tick stands there twice, the first one counts.
func (s *survey) ticks(ctx context.Context) error {
	decided := &status.Decided{}
	_, _, err := dataflow.Tail(ctx, s.p.log, schemas.Partition{Topic: schemas.Decisions}, func(records []schemas.Record) (bool, error) {
		decided.Ticks = nil
		size, last := 0, int64(0)
		for i := range records {
			size += len(records[i].Value)
			batch, err := decision.Decode(records[i].Value)
			if err != nil || batch.Head.Tick == nil || batch.Head.Tick.Number <= last {
				continue
			}
			last = batch.Head.Tick.Number
			decided.Ticks = append(decided.Ticks, s.tick(&batch.Head))
		}
		n := len(decided.Ticks)
		return n >= enoughTicks || n > 0 && size > tickBytes, nil
	})
	if err != nil {
		return err
	}
	decided.Ticks = decided.Ticks[max(0, len(decided.Ticks)-lookedTicks):]
	s.with(func(f *status.Facts) { f.Decided = decided })
	return nil
}

func (s *survey) tick(h *decision.Head) status.Tick {
	return status.Tick{
		Number: h.Tick.Number, Reached: h.Chunk.Whole + s.p.cfg.Genesis.Pane, Samples: h.Tick.Totals.Samples,
		Moved: h.Tick.Totals.Moved, Incomplete: h.Tick.Totals.Incomplete,
	}
}

// version is the last one in maps. Its manifest is all that is read of it, in the last of its chunks.
func (s *survey) version(ctx context.Context) error {
	p := schemas.Partition{Topic: schemas.Maps}
	start, end, err := s.p.log.Bounds(ctx, p)
	if err != nil {
		return err
	}
	found := &status.Maps{}
	for n := int64(4); ; n *= 4 {
		from := max(start, end-n)
		records, err := dataflow.Range(ctx, s.p.log, p, from, end)
		if err != nil {
			return err
		}
		if found.Last = newestVersion(records); found.Last != nil || from == start {
			break
		}
	}
	s.with(func(f *status.Facts) { f.Maps = found })
	return nil
}

// newestVersion returns the last version that a manifest among records tells of; of two with one number it is the first.
func newestVersion(records []schemas.Record) (last *status.Version) {
	for i := range records {
		m, err := pathmap.ManifestOf(&records[i])
		if err != nil || m == nil || last != nil && m.Version <= last.Number {
			continue
		}
		last = &status.Version{
			Number: m.Version, Digest: m.Digest, Entries: m.Entries, Created: m.Created, Expires: m.Expires,
			Appended: records[i].Time, Tick: m.Tick, Incomplete: m.Incomplete,
		}
	}
	return last
}
