package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"detour/internal/settings"
)

// exampleConfig is the configuration file to start from. Its comments are what the reference says about each key.
//
//go:embed detour.example.yaml
var exampleConfig string

func configCommand() command {
	c := command{
		name:    "config",
		args:    "init | check | show | reference",
		summary: "print a configuration file to start from, check one, or show what is in force",
		help: `  init       prints a file with every key, its default and what it means
  check      checks the file and the environment together with the files, addresses and servers that they name
  show       prints the file and the environment as one, with every key
  reference  prints, in Markdown, every key with its type, default and environment variable

A check is one line: ok; warn, which works and is likely not what is wanted; FAIL, with what to do. It changes nothing.
Exit codes: 0 nothing failed, 1 something did, 2 the configuration can't be read or a key is not valid.

Examples:
  detour config init > detour.yaml
  detour config check --config detour.yaml
  detour config check --config detour.yaml --for dns --offline`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		verb := ""
		if len(args) > 0 {
			verb, args = args[0], args[1:]
		}
		fs := c.flags(std)
		path := configFlag(fs)
		var opt checkOptions
		opt.register(fs)
		if !slices.Contains([]string{"init", "check", "show", "reference"}, verb) {
			return unknownVerb(fs, verb, "init, check, show or reference")
		}
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		switch verb {
		case "init":
			_, err := fmt.Fprint(std.out, exampleConfig)
			return err
		case "reference":
			return writeReference(std.out)
		}
		cfg, err := loadConfig(*path)
		if err != nil {
			return err
		}
		if verb == "show" {
			return showConfig(std, cfg)
		}
		return opt.check(ctx, std, cfg)
	}
	return c
}

// showConfig prints the configuration as YAML. There is no secret in it, only names of files that hold some.
func showConfig(std stdio, cfg *Config) error {
	enc := yaml.NewEncoder(std.out)
	enc.SetIndent(2)
	if err := enc.Encode(cfg); err != nil {
		return err
	}
	return enc.Close()
}

// checkOptions are the flags of a check.
type checkOptions struct {
	command       string
	offline, json bool
	timeout       time.Duration
}

func (o *checkOptions) register(fs *flag.FlagSet) {
	fs.StringVar(&o.command, "for", "", "check only what this `command` needs: migrate, ingest, aggregate, decide, publish or dns")
	fs.BoolVar(&o.offline, "offline", false, "check: leave out the servers")
	fs.BoolVar(&o.json, "json", false, "check: print JSON")
	fs.DurationVar(&o.timeout, "timeout", 5*time.Second, "check: how long each question to a server may take")
}

func (o *checkOptions) check(ctx context.Context, std stdio, cfg *Config) error {
	commands := append(slices.Clone(users["kafka"]), users["dns"]...)
	switch {
	case o.command != "" && !slices.Contains(commands, o.command):
		return configErrorf("--for is %q, it has to be one of %s", o.command, strings.Join(commands, ", "))
	case o.timeout <= 0:
		return configErrorf("--timeout is %s, it has to be above 0s", o.timeout)
	}
	c := checker{cfg: cfg, keys: settings.Keys(cfg), timeout: o.timeout, command: o.command, each: func(f finding) { f.print(std.out) }}
	if o.json {
		c.each = func(finding) {}
	}
	c.run(ctx, o.offline)
	if o.json {
		if err := c.printJSON(std.out); err != nil {
			return err
		}
	}
	return c.err()
}
