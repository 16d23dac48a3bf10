package history

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"detour/schemas"
	"detour/schemas/window"
)

// windowSink stores the panes of one windows partition.
type windowSink struct {
	h         *History
	partition int32
	panes     window.Assembler
	seals     seals
	last      int64 // start of the last pane taken, ms
}

func newWindowSink(h *History, partition int32) *windowSink {
	return &windowSink{h: h, partition: partition, seals: seals{h: h, table: "panes"}}
}

func (s *windowSink) resume(ctx context.Context) error {
	var pane int64
	var n uint64
	const query = "SELECT toUnixTimestamp64Milli(max(pane)), count() FROM panes WHERE partition = $1"
	if err := s.h.store.ask(ctx, query, []any{s.partition}, &pane, &n); err != nil || n == 0 {
		return err
	}
	s.panes.Skip(pane)
	s.h.progress.with(func(p *Progress) { p.Panes[s.partition] = pane })
	return nil
}

func (s *windowSink) take(r *schemas.Record) (func(context.Context) error, error) {
	batch, err := window.Decode(r.Value)
	if err != nil {
		return nil, err
	}
	if err := s.h.same(batch.Head.Genesis, r); err != nil {
		return nil, err
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
	add := func(b driver.Batch, i int) error { return s.append(b, start, &p.Windows[i]) }
	if err := s.h.insert(ctx, "windows", token, len(p.Windows), add); err != nil {
		return err
	}
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

func (s *windowSink) append(b driver.Batch, pane time.Time, w *window.Window) error {
	return b.Append(
		pane, s.partition, w.Resolver, w.Country.String(), w.ASN, w.Other != 0, s.h.path(w.Path), w.Class.String(),
		w.OK, w.HTTPErrors, w.GatewayErrors, w.Unreachable,
		w.Runs, w.Pairs, w.PairRuns, w.Clients, w.Late, w.Skewed,
		w.P50, w.P75, w.P90, w.P95, w.P99,
		histogram(&w.Latency), histogram(&w.Ratio),
	)
}

// histogram returns the tuple that sumMap adds up.
func histogram(h *window.Histogram) []any {
	counts := make([]uint64, len(h.Counts))
	for i, n := range h.Counts {
		counts[i] = uint64(n)
	}
	return []any{h.Bins, counts}
}

// values is a block of one row.
func values(row ...any) row {
	return func(b driver.Batch, _ int) error { return b.Append(row...) }
}

// insert is Store.insert, counted.
func (h *History) insert(ctx context.Context, table, token string, n int, add row) error {
	err := h.store.insert(ctx, table, token, n, add)
	if err == nil {
		h.progress.rows(table, n)
	}
	return err
}
