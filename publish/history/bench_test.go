package history

import (
	"testing"

	"github.com/rs/zerolog"
)

// BenchmarkBackfill reports what one pane costs, its seal included, with a tick and a version for every two of them.
func BenchmarkBackfill(b *testing.B) {
	s := testStore(b, zerolog.Nop())
	if err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	p := newPipeline(b, 1)
	p.minutes(0, b.N, 2000)
	h := p.history(s, &soloGroup{log: p.log})
	b.ResetTimer()
	runUntil(b, h, caughtUp(b, h))
	b.ReportMetric(float64(p.windows)/b.Elapsed().Seconds(), "windows/s")
	b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "panes/s")
}
