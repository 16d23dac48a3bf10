package main

import (
	"context"
	"fmt"

	"detour/schemas/control"
)

func migrateCommand() command {
	c := command{
		name:    "migrate",
		summary: "make topics, genesis, default policy and ClickHouse tables, then end",
		help: `What exists and fits is left alone; what differs is an error. The consumers do the same when they start: a separate
run is for set-ups where they may not create anything.

Example:
  detour migrate --config detour.yaml`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		cfg, err := c.loadConfig(std, args)
		if err != nil {
			return err
		}
		key, err := cfg.clientKey()
		if err != nil {
			return err
		}
		cfg.Genesis.ClientKey = key.Fingerprint()
		database, err := cfg.database(newLogger(cfg.Log, std.err))
		if err != nil {
			return err
		}
		return withPipeline(cfg, std, func(p *pipeline) error {
			if err := p.prepare(ctx, control.DefaultPolicy()); err != nil {
				return err
			}
			if database != nil {
				if err := database.Migrate(ctx); err != nil {
					return err
				}
			}
			fmt.Fprintf(std.out, "ready: genesis %.12s\n", cfg.Genesis.Hash())
			return nil
		})
	}
	return c
}
