package main

import (
	"context"
	_ "embed"
	"fmt"
)

// exampleConfig is the configuration file to start from.
//
//go:embed detour.example.yaml
var exampleConfig string

func configCommand() command {
	c := command{
		name:    "config",
		args:    "init | check",
		summary: "print a configuration file to start from, or check one",
		help: `Examples:
  detour config init > detour.yaml
  detour config check --config detour.yaml`,
	}
	c.run = func(_ context.Context, std stdio, args []string) error {
		verb := ""
		if len(args) > 0 {
			verb, args = args[0], args[1:]
		}
		fs := c.flags(std)
		path := configFlag(fs)
		if verb != "init" && verb != "check" {
			return unknownVerb(fs, verb, "init or check")
		}
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		if verb == "init" {
			fmt.Fprint(std.out, exampleConfig)
			return nil
		}
		cfg, err := loadConfig(*path)
		if err != nil {
			return err
		}
		fmt.Fprintf(std.out, "%s is good: %d paths, %d samples partitions\n", *path, len(cfg.Paths), cfg.Genesis.Samples)
		return nil
	}
	return c
}
