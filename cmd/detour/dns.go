package main

import (
	"context"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/agent"
	"detour/internal/dns"
	"detour/schemas/pathmap"
)

func dnsCommand() command {
	c := command{
		name:    "dns",
		summary: "answer the service's name by the resolver that asks, from the published map",
		help: `Pulls the map from "detour publish" (agent.url), answers from it, and keeps answering from the last good one when
publish is gone. It needs neither Kafka nor ClickHouse.

Example:
  detour dns --config detour.yaml
  dig @127.0.0.1 -p 1053 www.example.net`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		cfg, err := c.loadConfig(std, args)
		if err != nil {
			return err
		}
		logger := newLogger(cfg.Log, std.err)
		agent, err := newAgent(cfg, time.Now, logger)
		if err != nil {
			return err
		}
		server, err := newDNS(cfg, agent, logger)
		if err != nil {
			return err
		}
		return stopped(ctx, withAdmin(ctx, cfg, c.name, logger, func(ctx context.Context, w *watched) error {
			w.dns(agent, server)
			return runAll(ctx, agent, server)
		}))
	}
	return c
}

// newAgent returns the agent that pulls maps; now is the clock by which it warns of an expired one.
func newAgent(cfg *Config, now func() time.Time, logger zerolog.Logger) (*agent.Agent, error) {
	a, err := agent.New(cfg.Agent, agent.Deps{Paths: cfg.Genesis.PathIDs(), Now: now}, logger)
	if err != nil {
		return nil, configErrorf("agent: %w", err)
	}
	return a, nil
}

// newDNS returns the DNS server that answers from what the agent installed.
func newDNS(cfg *Config, a *agent.Agent, logger zerolog.Logger) (*dns.Server, error) {
	answers, byDefault := cfg.pathAnswers()
	installed := func() (*pathmap.Map, int64) {
		if i := a.Current(); i != nil {
			return i.Map, i.Manifest.Version
		}
		return nil, 0
	}
	server, err := dns.New(cfg.DNS, answers, byDefault, installed, logger)
	if err != nil {
		return nil, configErrorf("dns: %w", err)
	}
	return server, nil
}
