package main

import (
	"context"
	_ "embed"
	"fmt"

	"go.yaml.in/yaml/v3"
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
  check      checks the file and the environment together with the servers and files that they name
  show       prints the file and the environment as one, with every key
  reference  prints, in Markdown, every key with its type, default and environment variable

Examples:
  detour config init > detour.yaml
  detour config check --config detour.yaml`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		verb := ""
		if len(args) > 0 {
			verb, args = args[0], args[1:]
		}
		fs := c.flags(std)
		path := configFlag(fs)
		switch verb {
		case "init", "check", "show", "reference":
			if err := parse(fs, args, 0); err != nil {
				return err
			}
		default:
			return unknownVerb(fs, verb, "init, check, show or reference")
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
		fmt.Fprintf(std.out, "the configuration is good: %d paths, %d samples partitions\n", len(cfg.Paths), cfg.Genesis.Samples)
		return nil
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
