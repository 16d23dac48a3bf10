// Package matrix is the world that a measured matrix of round trips describes: rows t,src,dst,rtt_ms, some nodes being
// regions of the cloud, some edges of the CDN, and all others clients. It implements evaluate.World.
//
// It promises: the same file, whatever the order of its rows, and the same settings give the same world; what a later
// slice holds changes nothing of an earlier one. It holds three legs for each client and slice, however large the file:
// that is read twice, row by row.
//
// A client uses the region and the edge that are nearest by round trip in the first slice; where that slice doesn't tell,
// in the first one that does. Its paths are composed of r (client to region), e (client to edge) and m (edge to region), in
// this direction each: the other one doesn't stand in.
//
//	           new connection   reused connection
//	direct     3 r              r
//	proxy      3 e + m          e + m
//
// Hosts are where they are: no last mile is added. A path of which a leg is missing in a slice is unreachable in it.
package matrix

import (
	"errors"
	"fmt"
	"io"
	"time"

	"detour/internal/evaluate"
	"detour/internal/world"
)

// Config says what to make of a file.
type Config struct {
	Open    func() (io.ReadCloser, error) // the file, from its beginning: CSV or gzip of it
	Regions []string                      // nodes
	Edges   []string                      // nodes
	Slice   time.Duration                 // that a step of t lasts
	Runs    float64                       // mean, of each client in each slice
	Noise   float64                       // 1 = as measured, 0 = none: see world.Noise
	Seed    uint64
}

// Validate reports the first setting that makes no world, by its flag.
func (c *Config) Validate() error {
	switch {
	case c.Slice < time.Millisecond || c.Slice > 366*24*time.Hour:
		return fmt.Errorf("slice: %v is not between a millisecond and a year", c.Slice)
	case !(c.Runs > 0 && c.Runs <= 10_000):
		return fmt.Errorf("runs-per-slice: %g is not above 0 and at most 10000", c.Runs)
	}
	if _, err := world.Noise(c.Noise); err != nil {
		return err
	}
	return nil
}

// World is the world of a file. It is used by one goroutine.
type World struct {
	config    Config
	trace     *trace
	noise     *world.Factors
	reference []reference // by client
	layout    evaluate.Layout
	drawn     drawn
}

// New reads a file, twice.
func New(c Config) (*World, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	n, err := newNodes(c.Regions, c.Edges)
	if err != nil {
		return nil, err
	}
	w := &World{config: c, drawn: drawn{after: -1}}
	if w.noise, err = world.Noise(c.Noise); err != nil {
		return nil, err
	}
	var p *placing
	if err := reading(c.Open, func(in io.Reader) (err error) { p, err = place(in, n); return err }); err != nil {
		return nil, err
	}
	if w.trace, err = newTrace(p); err != nil {
		return nil, err
	}
	if err := reading(c.Open, func(in io.Reader) error { return w.trace.fill(in, p) }); err != nil {
		return nil, err
	}
	w.reference = w.references()
	w.layout = w.lay()
	return w, nil
}

// Seeded returns the world of the same file with another seed: who measures when, and the noise in it.
func (w *World) Seeded(seed uint64) *World {
	other := *w
	other.config.Seed, other.drawn = seed, drawn{after: -1}
	return &other
}

// reading opens the file for do.
func reading(open func() (io.ReadCloser, error), do func(io.Reader) error) error {
	in, err := open()
	if err != nil {
		return err
	}
	return errors.Join(do(in), in.Close())
}

// Layout implements evaluate.World.
func (w *World) Layout() *evaluate.Layout { return &w.layout }

// Clients returns the clients by name, which is the order of the layout's resolvers. The caller may not change them.
func (w *World) Clients() []Client { return w.trace.clients }

// LeftOut is how many nodes are neither region nor edge and have no row to a region, or none to an edge.
func (w *World) LeftOut() int { return w.trace.leftOut }

// Slices is how many slices the file has rows of.
func (w *World) Slices() int { return len(w.trace.slices) }
