// Package publish is the pure core of the stage that turns decisions into map versions: resolver -> path, as canonical
// bytes with a manifest.
//
// It promises that versions are a function of the decisions and control partitions alone: however reads were cut into
// batches, and wherever a process died and another went on, the same ticks give the same versions with the same digests.
// It has no clock, no I/O and no logger.
package publish

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/reject"
)

// Config is provenance: what goes into a manifest beside its meaning.
type Config struct {
	Code    string             // version of the program
	Key     ed25519.PrivateKey // signs manifests; nil = they go out unsigned
	Attempt int64              // end of the maps partition when this machine took over: it marks its chunks
}

// Machine implements schemas.Machine over the decisions partition and control. Invariants:
//
//  1. Control is read exactly as far as the tick in hand had read it, never further: what a version says does not depend
//     on when this process looked.
//  2. entries is what the ticks up to tickDigest say, sorted; no one writes to its array, so maps may share it.
//  3. A tick is applied only if it extends the one before, or is a snapshot and there is none.
type Machine struct {
	genesis control.Genesis
	hash    string // of genesis
	cfg     Config

	control  int64                         // next offset in control
	need     int64                         // offset that control has to be read to before anything else
	begun    bool                          // the log's genesis was seen
	policies map[string]control.Publishing // by the policy's hash

	decisions  int64 // next offset in decisions
	ticks      decision.Assembler
	tickDigest string          // of the last tick applied, "" = none yet
	waiting    *decision.Whole // accepted, waits for control

	entries []pathmap.Entry
	last    pathmap.Manifest // the last version made; its Version is 0 before the first
}

var (
	controlPartition   = schemas.Partition{Topic: schemas.Control}
	decisionsPartition = schemas.Partition{Topic: schemas.Decisions}
)

// New returns a machine that starts before the first version: it reads decisions from offset on. Genesis is what this
// process is configured with; a log that says otherwise is an error of Apply.
func New(genesis control.Genesis, cfg Config, offset int64) *Machine {
	return &Machine{
		genesis: genesis, hash: genesis.Hash(), cfg: cfg,
		need: 1, policies: make(map[string]control.Publishing), decisions: offset,
	}
}

// Resume returns a machine that goes on after a version that is in the log.
func Resume(genesis control.Genesis, cfg Config, last *pathmap.Publication) (*Machine, error) {
	m := New(genesis, cfg, last.Manifest.Positions.Decisions)
	if last.Manifest.Genesis != m.hash {
		return nil, fmt.Errorf("version %d is of genesis %s, this process is configured as %s",
			last.Manifest.Version, last.Manifest.Genesis, m.hash)
	}
	content, err := last.Manifest.Open(last.Bytes)
	if err != nil {
		return nil, fmt.Errorf("resume from version %d: %w", last.Manifest.Version, err)
	}
	m.last, m.entries, m.tickDigest = last.Manifest, content.Entries, last.Manifest.TickDigest
	m.ticks.Skip(last.Manifest.Pane)
	return m, nil
}

// Overrun tells a machine that retention took the decisions before offset unread: it goes on from there with the next
// snapshot, which holds every resolver, and the version that follows is the next one.
func (m *Machine) Overrun(offset int64) {
	m.decisions, m.tickDigest = offset, ""
}

// Version returns the number of the last version made, 0 before the first.
func (m *Machine) Version() int64 { return m.last.Version }

// Next implements schemas.Machine.
func (m *Machine) Next() schemas.Input {
	if m.control < m.need {
		return schemas.Input{Partition: controlPartition, Offset: m.control, Wait: true}
	}
	return schemas.Input{Partition: decisionsPartition, Offset: m.decisions, Wait: true}
}

// Apply implements schemas.Machine. It may leave records of decisions to be read again: those behind a tick that had
// read control further than this machine.
func (m *Machine) Apply(records []schemas.Record, next int64) ([]schemas.Record, error) {
	if m.control < m.need {
		return m.applyControl(records, next)
	}
	return m.applyDecisions(records, next)
}

func (m *Machine) applyControl(records []schemas.Record, next int64) (out []schemas.Record, err error) {
	for i := range records {
		if out, err = m.learn(&records[i], out); err != nil {
			return nil, err
		}
		if m.control = records[i].Offset + 1; m.control >= m.need {
			next = m.control // invariant 1
			break
		}
	}
	m.control = next
	if m.control < m.need || m.waiting == nil {
		return out, nil
	}
	made, err := m.settle()
	return append(out, made...), err
}

// learn takes one record of control.
func (m *Machine) learn(r *schemas.Record, out []schemas.Record) ([]schemas.Record, error) {
	c, err := control.Decode(r.Value)
	switch {
	case !m.begun && err != nil:
		return nil, fmt.Errorf("the log's genesis, %s: %w", r.At(), err)
	case !m.begun && c.Genesis == nil:
		return nil, fmt.Errorf("%s is not a genesis, which has to come first", r.At())
	case !m.begun:
		m.begun = true
		return out, m.genesis.Differs(c.Genesis)
	case err != nil:
		return m.refuse(out, r, reject.Undecodable, err), nil
	case c.Policy != nil:
		m.policies[c.Policy.Hash()] = c.Policy.Publish
		return out, nil
	}
	return m.refuse(out, r, reject.OffChain, errors.New("a second genesis")), nil
}

// refuse adds the reject of a record, unless the last version had read past it: then it is in the log already.
func (m *Machine) refuse(out []schemas.Record, r *schemas.Record, reason reject.Reason, why error) []schemas.Record {
	if r.Partition == controlPartition && r.Offset < m.last.Positions.Control {
		return out
	}
	rejected := reject.New(r, r.Value, reason, why.Error())
	return append(out, rejected.Record(0))
}
