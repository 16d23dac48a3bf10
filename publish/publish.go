// Package publish is the pure core of the stage that turns decisions into map versions: resolver -> path, as canonical
// bytes with a manifest.
//
// It promises that versions are a function of the decisions and control partitions alone: however reads were cut into
// batches, and wherever a process died and another went on, the same ticks give the same versions with the same digests.
// It has no clock, no I/O and no logger.
package publish

import (
	"crypto/ed25519"
	"fmt"

	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/control"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
	"detour/schemas/reject"
)

// Config is provenance: what goes into a manifest, and how a version is cut into records, beside its meaning.
type Config struct {
	Code       string             // version of the program
	Key        ed25519.PrivateKey // signs manifests; nil = they go out unsigned
	Attempt    int64              // end of the maps partition when this machine took over: it marks its chunks
	ChunkBytes int                // most bytes of a map in one record; 0 = pathmap.ChunkBytes
}

// Machine implements schemas.Machine over the decisions partition, control, and maps, which it writes itself. Invariants:
//
//  1. Control is read exactly as far as the tick in hand had read it, never further: what a version says does not depend
//     on when this process looked.
//  2. entries is what the ticks kept so far say, sorted; no one writes to its array, so maps may share it.
//  3. A tick is applied only if chunk.Chain keeps it. A snapshot replaces what was known.
//  4. After a version nothing is applied until it was read back: see readBack.
type Machine struct {
	genesis control.Genesis
	hash    string // of genesis
	cfg     Config

	control  int64                         // next offset in control
	need     int64                         // offset that control has to be read to before anything else
	begun    bool                          // the log's genesis was seen
	policies map[string]control.Publishing // by the policy's hash
	latest   control.Publishing            // of the last policy in control, up to the tick in hand
	unknown  string                        // the last policy that a tick names and control does not hold: said once

	decisions int64 // next offset in decisions
	ticks     decision.Assembler
	kept      chunk.Chain // of ticks
	certain   bool        // kept is what every reader of decisions keeps
	gap       bool        // ticks are passed over until the next snapshot: said once
	waiting   *pending    // kept, waits for control

	entries   []pathmap.Entry
	published []pathmap.Entry  // of the last version made
	last      pathmap.Manifest // the last version made; its Version is 0 before the first

	maps  int64          // next offset in maps
	chain *pathmap.Chain // has read maps up to there
	back  back           // whether the last version made was read there
	empty int            // reads in a row that brought nothing where something has to be
	owed  []schemas.Record
}

var (
	controlPartition   = schemas.Partition{Topic: schemas.Control}
	decisionsPartition = schemas.Partition{Topic: schemas.Decisions}
	mapsPartition      = schemas.Partition{Topic: schemas.Maps}
)

// New returns a machine that starts before the first version: it reads decisions from offset on. Genesis is what this
// process is configured with; a log that says otherwise is an error of Apply.
func New(genesis control.Genesis, cfg Config, offset int64) *Machine {
	return &Machine{
		genesis: genesis, hash: genesis.Hash(), cfg: cfg,
		need: 1, policies: make(map[string]control.Publishing), latest: control.DefaultPolicy().Publish,
		decisions: offset, certain: offset == 0,
		maps: cfg.Attempt, chain: new(pathmap.Chain),
	}
}

// Resume returns a machine that goes on after a version that is in the log, and that every reader keeps.
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
	m.last, m.entries, m.published = last.Manifest, content.Entries, content.Entries
	m.kept = chunk.ChainFrom(chunk.Link{Number: last.Manifest.Tick, Digest: last.Manifest.TickDigest})
	m.certain = true
	m.ticks.Skip(last.Manifest.Pane)
	m.chain = pathmap.ChainFrom(&last.Manifest)
	return m, nil
}

// Follow tells a machine, before its first Next, what was found in maps up to Config.Attempt: the chain that has read it,
// which may hold the beginning of another writer's version, and rejects of what could not be read there.
func (m *Machine) Follow(chain *pathmap.Chain, rejects []schemas.Record) {
	m.chain, m.owed = chain, rejects
}

// Overrun tells a machine that retention took the decisions before offset unread: it goes on from there with the next
// snapshot, and the version that follows is the next one. A snapshot holds every resolver, so that nothing is missing in
// that version and nothing marks it: what the pipeline did miss, the tick's own totals say.
func (m *Machine) Overrun(offset int64) { m.decisions, m.certain = offset, false }

// Version returns the number of the last version made, 0 before the first.
func (m *Machine) Version() int64 { return m.last.Version }

// Next implements schemas.Machine.
func (m *Machine) Next() schemas.Input {
	switch {
	case m.back != settled:
		return schemas.Input{Partition: mapsPartition, Offset: m.maps, Wait: m.back == written}
	case m.control < m.need:
		return schemas.Input{Partition: controlPartition, Offset: m.control, Wait: true}
	}
	return schemas.Input{Partition: decisionsPartition, Offset: m.decisions, Wait: true}
}

// Apply implements schemas.Machine. It may leave records to be read again: those behind a tick that had read control
// further than this machine, or that a version was made of.
func (m *Machine) Apply(records []schemas.Record, next int64) (out []schemas.Record, err error) {
	switch {
	case m.back != settled:
		out, err = m.readBack(records, next)
	case m.control < m.need:
		out, err = m.applyControl(records, next)
	default:
		out, err = m.applyDecisions(records, next)
	}
	out, m.owed = append(m.owed, out...), nil
	return out, err
}

// refuse adds the reject of a record.
func refuse(out []schemas.Record, r *schemas.Record, reason reject.Reason, why error) []schemas.Record {
	rejected := reject.New(r, r.Value, reason, why.Error())
	return append(out, rejected.Record(0))
}
