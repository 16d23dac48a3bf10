package main

import (
	"context"
	"testing"
	"time"

	"detour/internal/world"
)

// glances is how often a run tells how far it is while processes are killed.
const glances = 10

// watchProgress tells now and then how far the stages are, until ctx ends: so that nobody takes for proof a run in which all
// stood still until the faults were over.
func (c *chaos) watchProgress(ctx context.Context, t *testing.T, w *world.World) {
	t.Helper()
	for ctx.Err() == nil {
		sleep(ctx, c.settings.length/glances)
		c.tellProgress(ctx, t, w)
	}
}

func (c *chaos) tellProgress(ctx context.Context, t *testing.T, w *world.World) {
	t.Helper()
	sent := time.Since(c.fed) * chaosSpeed
	pane, err := lastTick(ctx, c.pipeline.log)
	if err != nil {
		return // the broker is away, or the test is over
	}
	decided := time.Duration(max(0, pane+c.cfg.Genesis.Pane-w.Scenario().Start.UnixMilli())) * time.Millisecond
	served := int64(0)
	for _, url := range c.fleets {
		if m := manifest(url); m != nil {
			served = max(served, m.Version)
		}
	}
	c.say(t, "reports of %s were sent, those of %s are decided upon; version %d is served",
		min(sent, w.Scenario().Duration).Round(time.Minute), decided, served)
}
