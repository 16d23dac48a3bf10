package window

import (
	"fmt"

	"detour/schemas/sample"
)

// Resume is the aggregator's state just before it applied the samples record at Offset.
type Resume struct {
	Offset  int64    `json:"offset"`         // samples offset: the earliest record that the open panes need
	Sources []Source `json:"sources"`        // by partition of the reports topic
	Through int64    `json:"through"`        // newest pane sealed by then; NoPane before the first
	Gaps    []Span   `json:"gaps,omitempty"` // panes, not sealed by then, that may miss rows
	Torn    bool     `json:"torn,omitempty"` // as Source.Torn, of sources that are not known yet
}

// NoPane stands for "no pane yet".
const NoPane int64 = -1 << 62

// Source is what an aggregator remembers of one source of samples.
type Source struct {
	Heard    bool  `json:"heard"`              // it has a mark
	Offset   int64 `json:"offset"`             // highest (offset, ordinal) applied
	Ordinal  int32 `json:"ordinal"`            //
	Next     int64 `json:"next"`               // end of the ranges heard of, 0 before the first
	Origin   int64 `json:"origin"`             // first mark ever, ms
	Mark     int64 `json:"mark"`               // as of Next, ms
	Released int64 `json:"released,omitempty"` // until when it holds up no pane, ms; sample.NoRelease = it was never released
	Torn     bool  `json:"torn,omitempty"`     // samples were lost unread since its last range: they may have been its own
}

// Watermark returns how far the panes need not wait for the source, ms; false for one that was neither heard nor released.
func (s *Source) Watermark() (ms int64, ok bool) {
	switch released := s.Released != sample.NoRelease; {
	case s.Heard && released:
		return max(s.Mark, s.Released), true
	case s.Heard:
		return s.Mark, true
	default:
		return s.Released, released
	}
}

// Hear takes what the head of a range says of the source. It is false for what says nothing new: a repeat, or a range of an
// ingest that was superseded.
func (s *Source) Hear(h *sample.Head) bool {
	if h.To <= s.Next {
		return false
	}
	s.Heard, s.Torn, s.Next, s.Origin, s.Mark = true, false, h.To, h.Origin, h.Mark
	return true
}

// check reports a state that no aggregator has.
func (r *Resume) check() error {
	if r.Offset < 0 || len(r.Sources) > sample.MaxSources || len(r.Gaps) > MaxSpans {
		return fmt.Errorf("offset %d, %d sources, %d gaps", r.Offset, len(r.Sources), len(r.Gaps))
	}
	for i, g := range r.Gaps {
		if g.From > g.To || i > 0 && g.From <= r.Gaps[i-1].To {
			return fmt.Errorf("gap %d: from %d to %d", i, g.From, g.To)
		}
	}
	return nil
}
