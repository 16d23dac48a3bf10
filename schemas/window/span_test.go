package window

import (
	"testing"

	"pgregory.net/rapid"
)

// TestJoinAgainstASet keeps the panes in a set, the dumb way.
func TestJoinAgainstASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var spans []Span
		want := map[int64]bool{}
		for range rapid.IntRange(1, 3*MaxSpans).Draw(t, "spans") {
			from := rapid.Int64Range(0, 1000).Draw(t, "from")
			s := Span{from, from + rapid.Int64Range(0, 5).Draw(t, "length")}
			spans = Join(spans, s)
			for pane := s.From; pane <= s.To; pane++ {
				want[pane] = true
			}
			if err := (&Resume{Gaps: spans}).check(); err != nil {
				t.Fatal(err)
			}
		}
		got := map[int64]bool{}
		for _, s := range spans {
			for pane := s.From; pane <= s.To; pane++ {
				got[pane] = true
			}
		}
		for pane := range want {
			if !got[pane] {
				t.Fatalf("pane %d is missing in %v", pane, spans)
			}
		}
		if len(got) != len(want) && len(spans) < MaxSpans {
			t.Fatalf("%d panes, want %d: %v", len(got), len(want), spans)
		}
	})
}

func TestMoreThanMaxSpansJoinsTheNearest(t *testing.T) {
	var spans []Span
	for i := range int64(MaxSpans) {
		spans = Join(spans, Span{i * 100, i*100 + 10})
	}
	spans = Join(spans, Span{515, 520})
	if len(spans) != MaxSpans || spans[5] != (Span{500, 520}) {
		t.Errorf("%d spans, %v", len(spans), spans[5])
	}
}
