package history

import (
	"context"
	"fmt"
	"time"

	"detour/schemas"
	"detour/schemas/window"
)

// windowSink stores the panes of one windows partition.
type windowSink struct {
	h         *History
	partition int32
	panes     window.Assembler
	doubt     bool
	seals     seals
	last      int64 // start of the last pane stored, ms
}

func newWindowSink(h *History, partition int32) *windowSink {
	return &windowSink{h: h, partition: partition, doubt: true, seals: seals{h: h, table: "panes"}}
}

func (s *windowSink) resume(ctx context.Context) (bool, error) {
	var pane int64
	var n uint64
	const query = "SELECT toUnixTimestamp64Milli(max(pane)), count() FROM panes WHERE partition = $1"
	if err := s.h.store.ask(ctx, query, []any{s.partition}, &pane, &n); err != nil || n == 0 {
		return false, err
	}
	s.panes.Skip(pane)
	s.h.progress.with(func(p *Progress) { p.Panes[s.partition] = pane })
	return true, nil
}

func (s *windowSink) take(r *schemas.Record) (func(context.Context) error, error) {
	batch, err := window.Decode(r.Value)
	if err != nil {
		return nil, err
	}
	if err := s.h.same(batch.Head.Genesis); err != nil {
		return nil, err
	}
	if err := storable(batch.Head.Chunk.Whole); err != nil {
		return nil, err
	}
	if batch.Head.Partition != s.partition {
		return nil, fmt.Errorf("it is of partition %d", batch.Head.Partition)
	}
	pane, err := s.panes.Add(batch)
	if err != nil || pane == nil {
		return nil, err
	}
	return func(ctx context.Context) error { return s.store(ctx, pane) }, nil
}

func (s *windowSink) store(ctx context.Context, p *window.Pane) error {
	token := fmt.Sprintf("%d/%d/%s", s.partition, p.Start, p.Seal.Digest)
	start := time.UnixMilli(p.Start).UTC()
	rows := s.rows(p, start)
	rows.token, rows.doubt = token, s.doubt
	if err := s.h.insert(ctx, rows); err != nil {
		return err
	}
	s.doubt = rows.stillDoubt()
	t := &p.Seal.Totals
	s.seals.add(token,
		start, s.partition, p.Seal.Digest, uint64(len(p.Windows)),
		uint64(t.Samples), uint64(t.Counted), uint64(t.Capped), uint64(t.Late), uint64(t.Skewed), uint64(t.Moved),
		uint64(t.Holes), t.Incomplete,
	)
	s.last = p.Start
	return nil
}

func (s *windowSink) flush(ctx context.Context) error {
	if len(s.seals.rows) == 0 {
		return nil
	}
	if err := s.seals.flush(ctx); err != nil {
		return err
	}
	s.h.progress.with(func(p *Progress) { p.Panes[s.partition] = s.last })
	return nil
}
