package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"detour/internal/console"
	"detour/internal/embedded/broker"
	"detour/internal/genesis"
	"detour/internal/replay"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/pathmap"
)

func verifyCommand() command {
	c := command{
		name:    "verify",
		summary: "make published map versions again from the log, and compare",
		help: `Runs the same machines over the same input and compares digests; a version that differs is named, with the first
resolver or field that does, and the exit code is 1. It appends nothing. The log has to hold its beginning: the windows
topic, or with --from samples the samples topic, from offset 0 on.

Examples:
  detour verify --config detour.yaml
  detour verify --config detour.yaml --version 17 --from samples
  detour demo --exit --data demo-data; detour verify --data demo-data`,
	}
	c.run = func(ctx context.Context, std stdio, args []string) error {
		fs := c.flags(std)
		path := configFlag(fs)
		var v verification
		fs.Int64Var(&v.version, "version", 0, "compare only this version; 0 = all")
		from := fs.String("from", "windows", "`topic` to begin at: windows or samples")
		data := fs.String("data", "", "verify what \"detour demo --data\" left in this `folder`")
		asJSON := fs.Bool("json", false, "print JSON")
		if err := parse(fs, args, 0); err != nil {
			return err
		}
		if *from != string(schemas.Windows) && *from != string(schemas.Samples) {
			return configErrorf("--from is %q, it has to be windows or samples", *from)
		}
		v.samples = *from == string(schemas.Samples)
		v.progress = console.NewProgress(std.err)
		defer v.progress.Finish()
		check := func(p *pipeline) error {
			found, err := v.run(ctx, p)
			v.progress.Finish()
			if err != nil {
				return err
			}
			return found.print(std, *asJSON)
		}
		if *data != "" {
			return withDemoLog(std, *data, check)
		}
		return withLog(ctx, std, *path, check)
	}
	return c
}

// withDemoLog calls f with a pipeline over the log in a demo's folder.
func withDemoLog(std stdio, dir string, f func(*pipeline) error) (err error) {
	cfg, err := loadConfig(filepath.Join(dir, configName))
	if err != nil {
		return err
	}
	b := broker.New(broker.Config{DataDir: filepath.Join(dir, logFolder)}, zerolog.Nop())
	addr, err := b.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	cfg.Kafka.Brokers = []string{addr}
	return withPipeline(cfg, std, f)
}

// verification is one run of detour verify.
type verification struct {
	version  int64 // 0 = all
	samples  bool
	progress *console.Progress
}

// verified is what it found.
type verified struct {
	From      string  `json:"from"`
	Compared  int     `json:"compared"`
	First     int64   `json:"first_version"`
	Last      int64   `json:"last_version"`
	Seconds   float64 `json:"seconds"`
	Different int64   `json:"different_version,omitempty"` // the first one; 0 = none
	Why       string  `json:"difference,omitempty"`
}

// errDifferent ends a verification that found a version which is not what the log says.
var errDifferent = errors.New("the published map is not what the log says")

func (v *verification) run(ctx context.Context, p *pipeline) (*verified, error) {
	began := time.Now()
	if err := genesis.Ensure(ctx, p.log, &p.cfg.Genesis, control.DefaultPolicy(), p.logger); err != nil {
		return nil, err
	}
	published, last, err := replay.Published(ctx, p.log)
	if err != nil {
		return nil, err
	}
	switch {
	case last == 0:
		return nil, errors.New("no version is published yet")
	case v.version != 0 && published[v.version] == nil:
		return nil, fmt.Errorf("the log holds no version %d; the newest is %d", v.version, last)
	case v.version != 0:
		last = v.version
	}
	found := &verified{From: string(schemas.Windows)}
	if v.samples {
		found.From = string(schemas.Samples)
	}
	d := replay.Derive{Log: p.log, Genesis: p.cfg.Genesis, Samples: v.samples}
	err = d.Run(ctx, func(derived *pathmap.Publication) (bool, error) {
		n := derived.Manifest.Version
		v.progress.Set(n, last, "deriving versions")
		if original := published[n]; original != nil && (v.version == 0 || v.version == n) {
			found.compare(derived, original)
		}
		return n < last && found.Different == 0, nil
	})
	if err == nil && found.Different == 0 && found.Last != last {
		found.Different, found.Why = last, "the log does not lead to it"
	}
	found.Seconds = time.Since(began).Seconds()
	return found, err
}

func (f *verified) compare(derived, published *pathmap.Publication) {
	n := derived.Manifest.Version
	if f.Compared++; f.Compared == 1 {
		f.First = n
	}
	f.Last = n
	if f.Why = replay.Difference(derived, published); f.Why != "" {
		f.Different = n
	}
}

func (f *verified) print(std stdio, asJSON bool) error {
	switch {
	case asJSON:
		if err := json.NewEncoder(std.out).Encode(f); err != nil {
			return err
		}
	case f.Different != 0:
		fmt.Fprintf(std.out, "version %d differs: %s\n", f.Different, f.Why)
	default:
		fmt.Fprintf(std.out, "%d versions (%d to %d) derived from %s, every digest agrees; %.1f s\n",
			f.Compared, f.First, f.Last, f.From, f.Seconds)
	}
	if f.Different != 0 {
		return errDifferent
	}
	return nil
}
