package history

import (
	"testing"

	"github.com/rs/zerolog"
)

func TestHistoryHoldsWhatTheLogSays(t *testing.T) {
	s := testStore(t, zerolog.Nop())
	p := newPipeline(t, 1)
	p.minutes(0, 12, 40)
	g := &soloGroup{log: p.log}
	h := p.history(s, g)
	runUntil(t, h, caughtUp(t, h))
	p.verify(s)
	if got := h.Progress(); got.Version != 12 || got.Tick != 12 || got.Panes[1] != 1_000_011*paneMS || got.Undecodable != 0 || got.Gaps != 0 {
		t.Errorf("%+v", got)
	}
}
