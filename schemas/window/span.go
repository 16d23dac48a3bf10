package window

import (
	"cmp"
	"slices"
)

// MaxSpans is how many spans a state holds. What is beyond is joined with its neighbour, so that some panes between them
// count as incomplete although they are not.
const MaxSpans = 64

// Span is a run of panes: the starts of the first and of the last one, ms.
type Span struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Contains reports whether the pane that starts at start is in the span.
func (s Span) Contains(start int64) bool { return s.From <= start && start <= s.To }

// Join returns spans with another one added: ascending and apart, at most MaxSpans. The argument is not changed.
func Join(spans []Span, s Span) []Span {
	all := append(slices.Clone(spans), s)
	slices.SortFunc(all, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	joined := all[:1]
	for _, next := range all[1:] {
		if last := &joined[len(joined)-1]; next.From <= last.To {
			last.To = max(last.To, next.To)
		} else {
			joined = append(joined, next)
		}
	}
	if len(joined) > MaxSpans {
		i := nearest(joined)
		joined[i].To = joined[i+1].To
		joined = slices.Delete(joined, i+1, i+2)
	}
	return joined
}

// nearest returns the first of the two neighbours that are the least apart.
func nearest(spans []Span) int {
	best := 0
	for i := range spans[1:] {
		if spans[i+1].From-spans[i].To < spans[best+1].From-spans[best].To {
			best = i
		}
	}
	return best
}
