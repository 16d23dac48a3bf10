package main

import (
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"detour/internal/evaluate"
	"detour/internal/evaluate/matrix"
)

// rttFlags are the flags that make a world of a measured matrix.
type rttFlags struct {
	file           string
	regions, edges nodeNames
	slice          sliceLength
	runs, noise    float64
}

// rttHelp tells of them.
const rttHelp = `--rtt takes measured round trips instead: CSV or gzip of it, with the header t,src,dst,rtt_ms, t being the index of a time
slice that lasts --slice. A directed pair that is missing in a slice is unreachable in it. Nodes that are named neither as
regions nor as edges are clients. Decisions see only earlier slices.`

// rtt adds the flags to a command's.
func rtt(fs *flag.FlagSet) *rttFlags {
	f := &rttFlags{slice: sliceLength(15 * time.Minute)}
	fs.StringVar(&f.file, "rtt", "", "measured round trips, a CSV `FILE` or gzip of one, instead of --worlds")
	fs.Var(&f.regions, "regions", "with --rtt: the `NODES` that are regions, with commas between; a name with a comma in quotes")
	fs.Var(&f.edges, "edges", "with --rtt: the `NODES` that are edges")
	fs.Var(&f.slice, "slice", "with --rtt: what a slice lasts")
	fs.Float64Var(&f.runs, "runs-per-slice", 3, "with --rtt: mean runs of each client in each slice")
	fs.Float64Var(&f.noise, "noise", 1, "with --rtt: 1 is the worlds' noise as measured, 0 none")
	return f
}

// check reports flags that don't go together. A file is one world: unless the user asks for more seeds, there is one.
func (f *rttFlags) check(fs *flag.FlagSet, seeds *int) error {
	set := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
	if f.file == "" {
		for _, name := range []string{"regions", "edges", "slice", "runs-per-slice", "noise"} {
			if set[name] {
				return configErrorf("--%s says something of --rtt, which is not there", name)
			}
		}
		return nil
	}
	if !set["seeds"] {
		*seeds = 1
	}
	switch {
	case set["worlds"]:
		return configErrorf("--worlds and --rtt are two ways to say which world: leave one out")
	case len(f.regions) == 0:
		return configErrorf("--rtt needs --regions: which nodes they are")
	case len(f.edges) == 0:
		return configErrorf("--rtt needs --edges: which nodes they are")
	}
	return nil
}

// read reads the file and says on notes what it holds. The world it returns takes any seed.
func (f *rttFlags) read(notes io.Writer) (evaluate.Build, error) {
	config := matrix.Config{
		Open:    func() (io.ReadCloser, error) { return os.Open(f.file) },
		Regions: f.regions, Edges: f.edges,
		Slice: time.Duration(f.slice), Runs: f.runs, Noise: f.noise,
	}
	if err := config.Validate(); err != nil {
		return nil, configErrorf("--%w", err)
	}
	if info, err := os.Stat(f.file); err == nil && !info.Mode().IsRegular() {
		return nil, configErrorf("--rtt: %s is not a file: it is read twice", f.file)
	}
	w, err := matrix.New(config)
	if err != nil {
		return nil, configErrorf("--rtt: %s: %w", f.file, err)
	}
	fmt.Fprintf(notes, "%s: %d clients, %d slices\n", f.file, len(w.Clients()), w.Slices())
	if n := w.LeftOut(); n > 0 {
		fmt.Fprintf(notes, "left out: %d nodes that have no row to any region, or none to any edge\n", n)
	}
	return func(seed uint64) (evaluate.World, error) { return w.Seeded(seed), nil }, nil
}

// nodeNames is a list as a line of CSV: names may hold anything.
type nodeNames []string

func (n *nodeNames) String() string { return strings.Join(*n, ",") }

// Set implements flag.Value.
func (n *nodeNames) Set(list string) error {
	r := csv.NewReader(strings.NewReader(list))
	r.TrimLeadingSpace = true
	names, err := r.Read()
	if err != nil {
		return fmt.Errorf("read as a line of CSV: %w", err)
	}
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	*n = names
	return nil
}

// sliceLength is a duration, of which a bare number is seconds.
type sliceLength time.Duration

func (s *sliceLength) String() string { return time.Duration(*s).String() }

// Set implements flag.Value.
func (s *sliceLength) Set(text string) error {
	d, err := time.ParseDuration(text)
	if seconds, bare := strconv.ParseFloat(text, 64); bare == nil {
		d, err = time.Duration(seconds*float64(time.Second)), nil
	}
	if err != nil {
		return errors.New("say how long, as in 15m, 1h or 900s")
	}
	*s = sliceLength(d)
	return nil
}
