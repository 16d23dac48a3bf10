package history

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"detour/schemas"
	"detour/schemas/decision"
	"detour/schemas/sample"
)

// decisionSink stores the ticks of the decisions partition.
type decisionSink struct {
	h     *History
	ticks decision.Assembler
	last  link
	seals seals
}

func newDecisionSink(h *History) *decisionSink {
	return &decisionSink{h: h, seals: seals{h: h, table: "ticks"}}
}

func (s *decisionSink) resume(ctx context.Context) error {
	var tick uint64
	var pane int64
	const query = "SELECT max(tick), argMax(digest, tick), toUnixTimestamp64Milli(max(pane)) FROM ticks"
	if err := s.h.store.ask(ctx, query, nil, &tick, &s.last.digest, &pane); err != nil || tick == 0 {
		return err
	}
	s.last.number = int64(tick)
	s.ticks.Skip(pane)
	s.h.progress.with(func(p *Progress) { p.Tick = s.last.number })
	return nil
}

func (s *decisionSink) take(r *schemas.Record) (func(context.Context) error, error) {
	batch, err := decision.Decode(r.Value)
	if err != nil {
		return nil, err
	}
	if err := s.h.same(batch.Head.Genesis, r); err != nil {
		return nil, err
	}
	whole, err := s.ticks.Add(batch)
	if err != nil || whole == nil {
		return nil, err
	}
	next := link{whole.Tick.Number, whole.Tick.Digest}
	if !s.h.extends(r, s.last, next, whole.Tick.Previous) {
		return nil, nil
	}
	return func(ctx context.Context) error {
		if err := s.store(ctx, whole); err != nil {
			return err
		}
		s.last = next
		return nil
	}, nil
}

func (s *decisionSink) store(ctx context.Context, w *decision.Whole) error {
	var changed []*decision.Decision // a snapshot repeats the state of all others
	for i := range w.Decisions {
		if w.Decisions[i].Changed == 1 {
			changed = append(changed, &w.Decisions[i])
		}
	}
	t := &w.Tick
	token := fmt.Sprintf("%d/%s", t.Number, t.Digest)
	pane := time.UnixMilli(w.Pane).UTC()
	add := func(b driver.Batch, i int) error { return s.append(b, pane, uint64(t.Number), changed[i]) }
	if err := s.h.insert(ctx, "decisions", token, len(changed), add); err != nil {
		return err
	}
	n := &t.Totals
	s.seals.add(token,
		uint64(t.Number), pane, t.Digest, t.Previous, t.Policy, uint64(len(changed)),
		uint64(n.Windows), uint64(n.Samples), uint64(n.Resolvers), uint64(n.Rerouted), uint64(n.Moved), n.Incomplete,
		t.Positions.Windows, t.Positions.Control,
	)
	return nil
}

func (s *decisionSink) flush(ctx context.Context) error {
	if err := s.seals.flush(ctx); err != nil {
		return err
	}
	s.h.progress.with(func(p *Progress) { p.Tick = s.last.number })
	return nil
}

func (s *decisionSink) append(b driver.Batch, pane time.Time, tick uint64, d *decision.Decision) error {
	return b.Append(
		pane, tick, d.Resolver, s.h.path(d.Path), s.h.path(d.Previous), time.UnixMilli(d.Since).UTC(), d.Gone == 1,
		d.Reason.String(), d.Level.String(), s.h.path(d.Candidate), d.Runs, d.Cells,
		octaves(d.Ratio), octaves(d.RatioUpper), octaves(d.WorstRatio), d.WorstASN, d.WorstCountry.String(),
		d.Direct, d.Gain, d.DefaultTries, d.DefaultFailures, d.CandidateTries, d.CandidateFailures,
	)
}

// octaves returns a ratio of 1/sample.RatioOne octaves in octaves.
func octaves(ratio int32) float64 { return float64(ratio) / sample.RatioOne }

// link is a tick or a version in its chain.
type link struct {
	number int64 // 0 = none yet
	digest string
}

// extends reports whether next, whose predecessor's digest is previous, goes on from last. A repeat does not, nor does
// what a superseded writer put beside the chain. Where numbers are missing the chain goes on behind the gap, since what
// retention took will not come back; the gap is named.
func (h *History) extends(r *schemas.Record, last, next link, previous string) bool {
	switch {
	case next.number <= last.number:
		return false
	case last.number == 0, next.number == last.number+1 && previous == last.digest:
		return true
	}
	h.progress.gap()
	line := h.log.Error().Str("at", r.At()).Int64("last", last.number).Int64("number", next.number)
	if next.number == last.number+1 {
		line.Msg("skipped: it does not follow the last one stored")
		return false
	}
	line.Msg("numbers are missing in between")
	return true
}
