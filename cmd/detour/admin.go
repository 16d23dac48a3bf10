package main

import (
	"context"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"detour/internal/admin"
	"detour/internal/metrics"
)

// watched is how a process that runs for long is watched: what it counts, and what it answers for.
type watched struct {
	metrics *metrics.Set
	admin   *admin.Server
}

// withAdmin runs f with the admin server beside it, which answers while f still waits for Kafka. Whichever fails ends the
// other.
func withAdmin(ctx context.Context, cfg *Config, command string, logger zerolog.Logger, f func(context.Context, *watched) error) error {
	w := &watched{metrics: metrics.New(version, command)}
	w.admin = admin.New(cfg.Admin, w.metrics.Handler(), logger)
	g, ctx := errgroup.WithContext(ctx)
	serving, stop := context.WithCancel(ctx)
	g.Go(func() error { return w.admin.Run(serving) })
	g.Go(func() error {
		defer stop()
		return f(ctx, w)
	})
	return g.Wait()
}
