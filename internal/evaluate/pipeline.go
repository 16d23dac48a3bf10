package evaluate

import (
	"errors"
	"fmt"

	"detour/aggregate"
	"detour/decide"
	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
)

// chunkBytes is large: nothing but memory bounds a record here.
const chunkBytes = 16 << 20

// pipeline is the policy under test: the real aggregator and decider, handed each other's records. What it decided is
// read from the decisions that it writes, as publish does.
type pipeline struct {
	sampler   sampler
	aggregate *aggregate.Machine
	decide    *decide.Machine
	samples   int64            // records so far
	control   []schemas.Record // all of it
	windows   []schemas.Record // not read yet
	read      int64            // windows records that were
	decisions []schemas.Record // of the last tick: not read back yet
	written   int64            // decisions records so far

	placed placed
}

// newPipeline returns the machines at the beginning of a world's log.
func newPipeline(l *Layout, policy *control.Policy) (*pipeline, error) {
	g := genesisOf(l)
	if err := g.Validate(); err != nil {
		return nil, fmt.Errorf("world: %w", err)
	}
	start := aggregate.FromScratch(0, 0)
	start.ChunkBytes = chunkBytes
	p := &pipeline{
		sampler:   sampler{layout: l, genesis: g.Hash(), late: g.Lateness},
		aggregate: aggregate.New(&g, 0, start),
		decide:    decide.New(g, 0),
		placed:    newPlaced(l),
	}
	p.decide.Configure(decide.Config{ChunkRows: 1 << 30})
	for _, said := range []control.Record{{Genesis: &g}, {Policy: policy}} {
		rec, err := said.Encode()
		if err != nil {
			return nil, err
		}
		rec.Offset = int64(len(p.control))
		p.control = append(p.control, rec)
	}
	return p, nil
}

// genesisOf returns the settings that a world's log would have.
func genesisOf(l *Layout) control.Genesis {
	g := control.DefaultGenesis()
	g.Samples, g.Pane, g.Reports, g.ClientKey = 1, l.Pane, "reports", "none"
	for i, id := range l.Paths {
		path := control.Path{ID: id, Kind: control.Proxy}
		if i == 0 {
			path.Kind, path.Default = control.Direct, true
		}
		g.Paths = append(g.Paths, path)
	}
	return g
}

// begin begins a pane, add takes a run of it.
func (p *pipeline) begin(pane int)   { p.sampler.begin(pane) }
func (p *pipeline) add(r *Run) error { return p.sampler.add(r) }

// end ends the pane: it is sealed, and the decider ticks.
func (p *pipeline) end() error {
	batches, err := p.sampler.end()
	if err != nil {
		return err
	}
	for i := range batches {
		batches[i].Offset = p.samples
		p.samples++
		out, err := p.aggregate.Apply(batches[i:i+1], p.samples)
		if err != nil {
			return err
		}
		for _, rec := range out {
			if rec.Partition.Topic != schemas.Windows {
				return fmt.Errorf("aggregate refused its samples: %s", rec.Partition)
			}
			rec.Offset = p.read + int64(len(p.windows))
			p.windows = append(p.windows, rec)
		}
	}
	return p.drive()
}

// drive hands the decider what it asks for, until it waits for a pane.
func (p *pipeline) drive() error {
	for {
		var records []schemas.Record
		in := p.decide.Next()
		switch in.Partition.Topic {
		case schemas.Control:
			records = p.control[min(in.Offset, int64(len(p.control))):]
		case schemas.Decisions:
			records, p.decisions = p.decisions, nil
		default:
			records = p.windows
			p.read += int64(len(p.windows))
			p.windows = nil
		}
		if in.Wait && len(records) == 0 {
			if in.Partition.Topic != schemas.Windows {
				return fmt.Errorf("decide waits for %s", in.Partition)
			}
			return nil
		}
		out, err := p.decide.Apply(records, in.Offset+int64(len(records)))
		if err != nil {
			return err
		}
		if err := p.take(out); err != nil {
			return err
		}
	}
}

// take applies what the decider wrote.
func (p *pipeline) take(out []schemas.Record) error {
	for _, rec := range out {
		if rec.Partition.Topic != schemas.Decisions {
			return errors.New("decide refused its windows")
		}
		rec.Offset = p.written
		p.written++
		p.decisions = append(p.decisions, rec)
		b, err := decision.Decode(rec.Value)
		if err != nil {
			return err
		}
		for i := range b.Decisions {
			if err := p.placed.take(&b.Decisions[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
