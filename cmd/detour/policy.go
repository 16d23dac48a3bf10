package main

import (
	"context"
	"fmt"
	"os"

	"go.yaml.in/yaml/v3"

	"detour/internal/dataflow"
	"detour/internal/genesis"
	"detour/internal/settings"
	"detour/schemas"
	"detour/schemas/control"
)

func policyCommand() command {
	c := command{
		name:    "policy",
		args:    "show | check FILE | apply FILE",
		summary: "show the policy in force, check one, or put one in force",
		help: `A policy says what evidence a move takes. It is a record of the log: decide uses a new one from the next tick on.
Ticks come with reports, or with heartbeats where there are none: a demo that has replayed all has no more of either.

Examples:
  detour policy show --config detour.yaml > policy.yaml
  detour policy check policy.yaml
  detour policy apply --config detour.yaml policy.yaml`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		verb := ""
		if len(args) > 0 {
			verb, args = args[0], args[1:]
		}
		fs := c.flags(std)
		path := configFlag(fs)
		switch verb {
		case "show":
			if err := parse(fs, args, 0); err != nil {
				return err
			}
			return withLog(ctx, std, *path, func(p *pipeline) error { return showPolicy(ctx, std, p.log) })
		case "check", "apply":
			if err := parse(fs, args, 1); err != nil {
				return err
			}
			policy, err := readPolicy(fs.Arg(0))
			if err != nil {
				return err
			}
			if verb == "check" {
				fmt.Fprintf(std.out, "%s is good: policy %.12s\n", fs.Arg(0), policy.Hash())
				return nil
			}
			return withLog(ctx, std, *path, func(p *pipeline) error {
				if err := policy.Fits(&p.cfg.Genesis); err != nil {
					return configErrorf("%s: %w", fs.Arg(0), err)
				}
				if err := genesis.Append(ctx, p.log, control.Record{Policy: &policy}); err != nil {
					return err
				}
				fmt.Fprintf(std.out, "applied: policy %.12s; decide uses it from its next tick on\n", policy.Hash())
				return nil
			})
		}
		return unknownVerb(fs, verb, "show, check or apply")
	}
	return c
}

func readPolicy(path string) (control.Policy, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return control.Policy{}, configError{err}
	}
	policy, err := control.ParsePolicy(data)
	if err != nil {
		return policy, configErrorf("%s: %w", path, settings.OneLine(err))
	}
	return policy, nil
}

// showPolicy prints the policy in force.
func showPolicy(ctx context.Context, std stdio, log dataflow.Log) error {
	policy, err := lastPolicy(ctx, log)
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(policy)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "# policy %s\n%s", policy.Hash(), text)
	return nil
}

// lastPolicy returns the last policy in control.
func lastPolicy(ctx context.Context, log dataflow.Log) (*control.Policy, error) {
	partition := schemas.Partition{Topic: schemas.Control}
	_, end, err := log.Bounds(ctx, partition)
	if err != nil {
		return nil, err
	}
	records, err := dataflow.Range(ctx, log, partition, 0, end)
	if err != nil {
		return nil, err
	}
	for i := len(records) - 1; i >= 0; i-- {
		if r, err := control.Decode(records[i].Value); err == nil && r.Policy != nil {
			return r.Policy, nil
		}
	}
	return nil, fmt.Errorf("%s holds no policy: run \"detour migrate\" first", partition)
}
