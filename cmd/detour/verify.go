package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/console"
	"detour/internal/embedded/broker"
	"detour/internal/genesis"
	"detour/internal/replay"
	"detour/schemas"
	"detour/schemas/control"
)

func verifyCommand() command {
	c := command{
		name:    "verify",
		summary: "make published map versions again from the log, and compare",
		help: `Runs the same machines over the same input, on a log as it is now, and compares the digest of every stage on the way:
panes (with --from samples), ticks, versions. What differs first is named, with its resolver and field, and the exit code
is 1. It reads only.

It begins at the beginning of the log, or behind a snapshot of decisions where retention took the beginning: for --all the
earliest that there is enough left for, for --version the latest before it. Versions whose evidence is known to miss
something are counted, with the panes and the records that can't be read; a record that can't be read where samples say
what was in it is a difference.

Examples:
  detour verify --config detour.yaml                                # every version that retention still covers: --all
  detour verify --config detour.yaml --version 17 --from samples
  detour demo --exit --data demo-data; detour verify --all --data demo-data`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		fs := c.flags(std)
		path := configFlag(fs)
		all := fs.Bool("all", false, "verify every version that the log still covers; this is the default")
		version := fs.Int64("version", 0, "verify version `number`")
		from := fs.String("from", string(schemas.Windows), "`topic` to begin at: windows or samples")
		data := fs.String("data", "", "verify what \"detour demo --data\" left in this `folder`, or a copy of what it has written so far")
		asJSON := fs.Bool("json", false, "print JSON")
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		switch {
		case *from != string(schemas.Windows) && *from != string(schemas.Samples):
			return configErrorf("--from is %q, it has to be windows or samples", *from)
		case *all && given(fs, "version"):
			return configErrorf("--all and --version contradict each other: give one")
		case given(fs, "version") && *version < 1:
			return configErrorf("--version is %d, versions begin at 1", *version)
		case *data != "" && given(fs, "config"):
			return configErrorf("--data and --config contradict each other: a demo's folder has its own configuration")
		}
		check := func(p *pipeline) error {
			return verify(ctx, p, std, replay.Verify{Samples: *from == string(schemas.Samples), Version: *version}, *asJSON)
		}
		if *data != "" {
			return withDemoLog(std, *data, check)
		}
		return withLog(ctx, std, *path, check)
	}
	return c
}

// given reports whether a flag was on the command line.
func given(fs *flag.FlagSet, name string) (found bool) {
	fs.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// withDemoLog calls f with a pipeline over a copy of the log in a demo's folder: a broker writes to its folder even where
// nobody appends, and one that is still at work there must not meet a second one.
func withDemoLog(std stdio, dir string, f func(*pipeline) error) (err error) {
	cfg, err := readConfig(filepath.Join(dir, configName))
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "detour-verify-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	log := filepath.Join(scratch, logFolder)
	if err := os.CopyFS(log, os.DirFS(filepath.Join(dir, logFolder))); err != nil {
		return fmt.Errorf("copy the log: %w", err)
	}
	return withBroker(cfg, std, log, f)
}

// withBroker calls f with a pipeline over a broker with its log in a folder.
func withBroker(cfg *Config, std stdio, folder string, f func(*pipeline) error) (err error) {
	b := broker.New(broker.Config{DataDir: folder}, zerolog.Nop())
	addr, err := b.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	cfg.Kafka.Brokers = []string{addr}
	return withPipeline(cfg, std, f)
}

// errDifferent ends a verification that found a version which is not what the log says.
var errDifferent = errors.New("the published map is not what the log says")

// verify runs one verification and prints what it found.
func verify(ctx context.Context, p *pipeline, std stdio, v replay.Verify, asJSON bool) error {
	began := time.Now()
	if err := checkGenesis(ctx, p); err != nil {
		return err
	}
	progress := console.NewProgress(std.err)
	defer progress.Finish()
	v.Log, v.Genesis = p.log, p.cfg.Genesis
	v.Progress = func(done, total int64) { progress.Set(done, total, "deriving ticks and versions") }
	found, err := v.Run(ctx)
	progress.Finish()
	if err != nil {
		return err
	}
	result := verified{found, time.Since(began).Seconds()}
	if asJSON {
		err = json.NewEncoder(std.out).Encode(result)
	} else {
		err = result.print(std.out)
	}
	if err == nil && found.Difference != nil {
		err = errDifferent
	}
	return err
}

// checkGenesis checks that this process fits the log, of which it writes nothing.
func checkGenesis(ctx context.Context, p *pipeline) error {
	_, end, err := p.log.Bounds(ctx, schemas.Partition{Topic: schemas.Control})
	if err != nil {
		return err
	}
	if end == 0 {
		return replay.ErrNoVersion
	}
	return genesis.Ensure(ctx, p.log, &p.cfg.Genesis, control.DefaultPolicy(), p.logger)
}
