package history

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/decision"
	"detour/schemas/sample"
)

// decisionSink stores the ticks of the decisions partition.
type decisionSink struct {
	h     *History
	ticks decision.Assembler
	keep  keeper[*decision.Whole]
	last  int64 // number of the last tick stored
	doubt bool
	seals seals
}

func newDecisionSink(h *History) *decisionSink {
	return &decisionSink{h: h, keep: keeper[*decision.Whole]{h: h, what: "tick"}, doubt: true, seals: seals{h: h, table: "ticks"}}
}

func (s *decisionSink) resume(ctx context.Context) (bool, error) {
	var tick uint64
	var digest string
	var pane int64
	const query = "SELECT max(tick), argMax(digest, tick), toUnixTimestamp64Milli(max(pane)) FROM ticks"
	if err := s.h.store.ask(ctx, query, nil, &tick, &digest, &pane); err != nil || tick == 0 {
		return false, err
	}
	s.last = int64(tick)
	s.keep.resume(chunk.Link{Number: s.last, Digest: digest})
	s.ticks.Skip(pane)
	s.h.progress.with(func(p *Progress) { p.Tick = s.last })
	return true, nil
}

func (s *decisionSink) take(r *schemas.Record) (func(context.Context) error, error) {
	batch, err := decision.Decode(r.Value)
	if err != nil {
		return nil, err
	}
	if err := s.h.same(batch.Head.Genesis); err != nil {
		return nil, err
	}
	whole, err := s.ticks.Add(batch)
	if err != nil || whole == nil {
		return nil, err
	}
	if err := storable(whole.Pane); err != nil {
		return nil, err
	}
	t := &whole.Tick
	link := chunk.Link{Number: t.Number, Digest: t.Digest, Previous: t.Previous, Full: t.Snapshot}
	store, kept := s.keep.offer(r, link, whole)
	if kept {
		s.ticks.Skip(whole.Pane)
	}
	return oneByOne(store, s.store), nil
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
	rows := &rows{
		table: "decisions", token: token, n: len(changed), doubt: s.doubt,
		add: func(b driver.Batch, i int) error { return s.append(b, pane, uint64(t.Number), changed[i]) },
		kept: &kept{
			query: "SELECT concat(hex(resolver), '/', toString(bits)) FROM decisions WHERE tick = $1 AND pane = fromUnixTimestamp64Milli(toInt64($2), 'UTC')",
			args:  []any{t.Number, w.Pane},
			key:   func(i int) string { return hexSubject(changed[i].Resolver, changed[i].Bits) },
		},
	}
	if err := s.h.insert(ctx, rows); err != nil {
		return err
	}
	s.doubt = rows.stillDoubt()
	n := &t.Totals
	s.seals.add(token,
		uint64(t.Number), pane, t.Digest, t.Previous, t.Policy, uint64(len(changed)),
		uint64(n.Windows), uint64(n.Samples), uint64(n.Resolvers), uint64(n.Rerouted), uint64(n.Moved), n.Incomplete,
		t.Positions.Windows, t.Positions.Control,
	)
	s.last = t.Number
	return nil
}

func (s *decisionSink) flush(ctx context.Context) error {
	if err := s.seals.flush(ctx); err != nil {
		return err
	}
	s.h.progress.with(func(p *Progress) { p.Tick = s.last })
	return nil
}

func (s *decisionSink) append(b driver.Batch, pane time.Time, tick uint64, d *decision.Decision) error {
	return b.Append(
		pane, tick, d.Resolver, s.h.path(d.Path), s.h.path(d.Previous), time.UnixMilli(d.Since).UTC(), d.Gone == 1,
		d.Reason.String(), d.Level.String(), s.h.path(d.Candidate), d.Runs, d.Cells,
		octaves(d.Ratio), octaves(d.RatioUpper), octaves(d.WorstRatio), d.WorstASN, d.WorstCountry.String(),
		d.Direct, d.Gain, d.DefaultTries, d.DefaultFailures, d.CandidateTries, d.CandidateFailures,
		octaves(d.RatioLower), share(d.Harm), share(d.HarmLimit),
		octaves(d.OwnRatio), weighed(d.OwnRuns), octaves(d.GroupRatio), weighed(d.GroupRuns), d.Penalty, d.Failovers,
		d.Bits, d.Exception == 1,
	)
}

// octaves returns a ratio of 1/sample.RatioOne octaves in octaves.
func octaves(ratio int32) float64 { return float64(ratio) / sample.RatioOne }

// share returns parts per million as a share.
func share(ppm uint32) float64 { return float64(ppm) / 1e6 }

// weighed returns runs that are weighed by their age.
func weighed(runs uint32) float64 { return float64(runs) / decision.RunsOne }
