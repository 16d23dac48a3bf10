// Package aggregate turns samples into windows: per pane, resolver, cell, path and connection class, what was seen. It
// is pure: the panes that it returns are a function of the samples of each source in their order, however they were
// batched, repeated or interleaved with other sources'.
package aggregate

import (
	"cmp"
	"fmt"
	"slices"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/reject"
	"detour/schemas/sample"
	"detour/schemas/window"
)

// Machine aggregates one samples partition into the windows partition of the same number.
//
// Invariants:
//  1. A row is counted once: rows at or below their source's highest (offset, ordinal) are dropped.
//  2. Panes are sealed in order, without a gap, from the first that any row can be in: the earliest origin of any source
//     less the lateness.
//  3. A pane is sealed when every source's mark has passed its end plus the lateness: no row can come for it then, unless
//     its source's mark went down or was released. Such a row counts in the oldest open pane.
//  4. Every seal carries the state from which all later panes can be made again: see window.Resume.
//  5. A pane that may miss rows is marked incomplete, whoever seals it.
type Machine struct {
	genesis    *control.Genesis
	hash       string
	input      schemas.Partition
	attempt    int64
	chunkBytes int

	next    int64           // samples offset
	sources []window.Source // by partition of the reports topic
	through int64           // newest sealed pane, NoPane before the first
	told    int64           // newest pane that the log holds already: nothing up to it is returned again
	panes   map[int64]*pane // open, by start
	gaps    []window.Span   // panes that may miss rows
	torn    bool            // samples were lost: of a source that is not known yet, perhaps
	floor   int64           // no hole is counted, and no gap noted, before this pane

	out []schemas.Record
}

// Start is where a machine goes on: the zero value with both panes NoPane for the first time, or what a seal says.
type Start struct {
	Resume  window.Resume
	Through int64 // pane of the seal
	Attempt int64 // the end of the windows partition when this writer took over: no earlier one wrote from there
	// First is the first samples offset that the log still holds. What is lost between Resume's and it is a hole.
	First int64
	// ChunkBytes is about how many bytes of windows go into one record; 0 = 512 KiB. Chunk boundaries are not meaning.
	ChunkBytes int
}

// FromSeal returns where to go on after the last seal of a windows partition.
func FromSeal(s *window.Seal, attempt int64) Start {
	return Start{Resume: s.Resume, Through: s.Through, Attempt: attempt}
}

// FromScratch returns the start of a windows partition that holds no seal, at the given samples offset.
func FromScratch(offset, attempt int64) Start {
	return Start{Resume: window.Resume{Offset: offset, Through: window.NoPane}, Through: window.NoPane, Attempt: attempt}
}

// New returns the machine of a samples partition.
func New(g *control.Genesis, partition int32, start Start) *Machine {
	m := &Machine{
		genesis:    g,
		hash:       g.Hash(),
		input:      schemas.Partition{Topic: schemas.Samples, Number: partition},
		attempt:    start.Attempt,
		chunkBytes: cmp.Or(start.ChunkBytes, chunkBytes),
		next:       max(start.Resume.Offset, start.First),
		sources:    slices.Clone(start.Resume.Sources),
		through:    start.Resume.Through,
		told:       start.Through,
		panes:      make(map[int64]*pane),
		gaps:       slices.Clone(start.Resume.Gaps),
		torn:       start.Resume.Torn,
		floor:      window.NoPane,
	}
	if start.First > start.Resume.Offset {
		m.floor = start.Through + g.Pane // what is lost concerns no pane that the log holds
		m.lose()
	}
	return m
}

// Next names the next samples offset. While panes are due there is nothing to wait for.
func (m *Machine) Next() schemas.Input {
	return schemas.Input{Partition: m.input, Offset: m.next, Wait: !m.due()}
}

// Apply takes the next samples records. It returns the panes that they complete; where these are very many it stops
// behind the record that completed them, and leaves the rest to the next call.
func (m *Machine) Apply(records []schemas.Record, next int64) ([]schemas.Record, error) {
	m.out = nil
	if err := m.sealDue(); err != nil { // what a predecessor had no time to say
		return nil, err
	}
	for i := range records {
		if m.due() {
			return m.out, nil
		}
		r := &records[i]
		batch, err := m.decode(r)
		if err != nil {
			rej := reject.New(r, r.Value, reject.Undecodable, err.Error())
			m.out = append(m.out, rej.Record(m.input.Number))
			m.lose()
			m.next = r.Offset + 1
			continue
		}
		if batch.Head.Genesis != m.hash {
			return nil, fmt.Errorf("samples of genesis %.12s, this process has %.12s", batch.Head.Genesis, m.hash)
		}
		m.absorb(batch, r.Offset)
		m.next = r.Offset + 1
		if err := m.sealDue(); err != nil {
			return nil, err
		}
	}
	if !m.due() {
		m.next = max(m.next, next)
	}
	return m.out, nil
}

func (m *Machine) decode(r *schemas.Record) (*sample.Batch, error) {
	batch, err := sample.Decode(r.Value)
	if err != nil {
		return nil, err
	}
	for i := range batch.Samples {
		if path := int(batch.Samples[i].Path); path >= len(m.genesis.Paths) {
			return nil, fmt.Errorf("row %d: path %d of %d", i, path, len(m.genesis.Paths))
		}
	}
	return batch, nil
}

// open returns the pane that starts at start, or the oldest that is not sealed yet. offset is that of the samples record
// at hand: a pane that it opens needs the log from there on.
func (m *Machine) open(start, offset int64) *pane {
	start = m.unsealed(start)
	p := m.panes[start]
	if p == nil {
		p = &pane{resume: m.state(offset)}
		m.panes[start] = p
	}
	return p
}

// unsealed returns start, or the start of the oldest pane that is not sealed.
func (m *Machine) unsealed(start int64) int64 {
	if m.through == window.NoPane {
		return start
	}
	return max(start, m.through+m.genesis.Pane)
}

// state returns what to go on from at offset.
func (m *Machine) state(offset int64) window.Resume {
	return window.Resume{
		Offset: offset, Sources: slices.Clone(m.sources), Through: m.through, Gaps: slices.Clone(m.gaps), Torn: m.torn,
	}
}

// Checkpoint returns the samples offset that everything up to is in sealed panes or nowhere needed: the lag's start.
func (m *Machine) Checkpoint() int64 { return m.resume().Offset }
