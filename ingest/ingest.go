// Package ingest turns reports into samples. It is pure: what it returns is a function of one source's records, their
// timestamps and the genesis, and of nothing else.
//
// A source is one partition of the reports topic. Every accepted measurement becomes one sample with its outcome,
// connection class, event time and, on a path other than the default, the ratio to its twin on the default path.
// Everything else becomes a reject with its reason; one bad report never costs its neighbours.
package ingest

import (
	"fmt"
	"slices"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/reject"
	"detour/schemas/report"
	"detour/schemas/sample"
)

// flushRows is how many samples a batch holds at most, about 60 bytes each: well below the 1 MiB that brokers take by
// default. What was gathered is emitted at the end of the record that reaches it.
const flushRows = 8192

// Machine ingests one source.
//
// Invariants:
//  1. Every offset below position is covered by a batch that was returned, in every samples partition.
//  2. Batches of a samples partition are contiguous: each one's From is the To of the one before, but for batches that
//     hold what did not fit that one: they cover its last record again.
//  3. The time of a sample depends on the source's records alone, never on how they were batched or read: on those
//     before it and, where they leave it open, on those behind (see scout).
type Machine struct {
	genesis   *control.Genesis
	hash      string
	source    schemas.Partition
	sources   int
	paths     map[string]uint8
	byDefault uint8
	clients   *clients

	state Checkpoint // as of the last record taken
	scout scout
	from  int64 // first offset that no returned batch covers
	rows  [][]sample.Sample
	count sample.Counts
	tally Tally
	out   []schemas.Record
}

// Tally counts the samples that Apply has returned since New, by path and outcome.
type Tally [control.MaxPaths][sample.Outcomes]int64

// Tally returns what was counted so far: for who watches, no output depends on it.
func (m *Machine) Tally() Tally { return m.tally }

// New returns the machine of partition source of the reports topic, which has sources partitions, to go on at from.
func New(g *control.Genesis, key ClientKey, source int32, sources int, from Checkpoint) *Machine {
	paths := make(map[string]uint8, len(g.Paths))
	for i, p := range g.Paths {
		paths[p.ID] = uint8(i)
	}
	return &Machine{
		genesis:   g,
		hash:      g.Hash(),
		source:    schemas.Partition{Topic: schemas.Reports, Number: source},
		sources:   sources,
		paths:     paths,
		byDefault: g.DefaultPath(),
		clients:   &clients{key: key},
		state:     from,
		scout:     scout{quorum: quorum},
		from:      from.Offset,
		rows:      make([][]sample.Sample, g.Samples),
	}
}

// Next names the source's next offset: of what was not taken yet, or of what the scout has to see first.
func (m *Machine) Next() schemas.Input {
	if m.scout.out {
		return schemas.Input{Partition: m.source, Offset: m.scout.next, Wait: true}
	}
	return schemas.Input{Partition: m.source, Offset: m.state.Offset, Wait: true}
}

// Checkpoint returns where to go on once everything that Apply returned is in the log.
func (m *Machine) Checkpoint() Checkpoint { return m.state }

// Grow tells that the reports topic has sources partitions by now. There are never fewer.
func (m *Machine) Grow(sources int) { m.sources = max(m.sources, sources) }

// Undecided reports whether the machine looks ahead for what time it is: a heartbeat would tell it.
func (m *Machine) Undecided() bool { return m.scout.out }

// Apply takes the next records of the source. It returns rejects, and for every samples partition one batch or more
// that together cover the records up to the Checkpoint.
func (m *Machine) Apply(records []schemas.Record, next int64) ([]schemas.Record, error) {
	m.out = nil
	if m.scout.out {
		m.scout.look(m.state.Offset, records, next, m.genesis)
		_, settled := m.scout.settle(&m.state, m.genesis)
		m.scout.out = !settled
		return nil, nil
	}
	for i := range records {
		if _, lost := unreadable(&records[i]); lost {
			if err := m.skip(records[i:], next); err != nil {
				return nil, err
			}
			continue
		}
		if m.scout.out = !m.settled(records[i:], next); m.scout.out {
			next = records[i].Offset
			break
		}
		m.take(&records[i])
		if m.pending() >= flushRows {
			if err := m.flush(); err != nil {
				return nil, err
			}
		}
	}
	m.state.Offset = max(m.state.Offset, next)
	if m.state.Offset > m.from {
		if err := m.flush(); err != nil {
			return nil, err
		}
	}
	return m.out, nil
}

func (m *Machine) pending() (n int) {
	for _, rows := range m.rows {
		n += len(rows)
	}
	return n
}

// flush returns what was gathered as one batch for every samples partition: with rows or none, so that each hears how
// far the source has come.
func (m *Machine) flush() error {
	if !m.state.Heard { // nothing but markers so far: no mark to tell
		m.from = m.state.Offset
		return nil
	}
	head := sample.Head{
		Genesis: m.hash,
		Source:  m.source.Number,
		Sources: m.sources,
		From:    m.from,
		To:      m.state.Offset,
		Origin:  m.state.Origin,
		Mark:    m.state.Mark,
		Counts:  m.count,
	}
	for p, rows := range m.rows {
		n := min(len(rows), flushRows)
		if err := m.emit(p, head, rows[:n]); err != nil {
			return err
		}
		for more := range slices.Chunk(rows[n:], flushRows) { // all of the last record: what came before fits
			again := head
			again.From, again.Counts = more[0].Offset, sample.Counts{}
			if err := m.emit(p, again, more); err != nil {
				return err
			}
		}
		m.rows[p] = rows[:0]
	}
	m.from, m.count = m.state.Offset, sample.Counts{}
	return nil
}

func (m *Machine) emit(partition int, head sample.Head, rows []sample.Sample) error {
	batch := sample.Batch{Head: head, Samples: rows}
	value, err := batch.Encode()
	if err != nil {
		return err
	}
	m.out = append(m.out, schemas.Record{
		Partition: schemas.Partition{Topic: schemas.Samples, Number: int32(partition)},
		Value:     value,
	})
	return nil
}

// take ingests one record.
func (m *Machine) take(r *schemas.Record) {
	m.state.Offset = r.Offset + 1
	if _, beat := r.Header(schemas.HeartbeatHeader); beat && m.genesis.Possible(r.Time) {
		m.state.beat(r.Time)
		return
	}
	time, flags, err := m.state.place(r.Time, m.genesis)
	if err != nil {
		m.refuse(r, r.Value, err)
		return
	}
	from, err := m.origin(r)
	if err != nil {
		m.refuse(r, r.Value, err)
		return
	}
	from.time, from.flags = time, flags
	if err := m.checkSize(r.Value); err != nil {
		m.refuse(r, r.Value, err)
		return
	}
	for raw, err := range report.Split(r.Value) {
		if err != nil {
			m.refuse(r, raw, fromReport(err))
			continue
		}
		m.takeReport(r, raw, &from)
	}
}

func (m *Machine) checkSize(value []byte) error {
	switch {
	case len(value) == 0:
		return refusal{reject.Empty, "the record has no value"}
	case len(value) > m.genesis.MaxReport:
		return refusal{reject.TooLarge, fmt.Sprintf("%d bytes, at most %d (max_report_bytes)", len(value), m.genesis.MaxReport)}
	}
	return nil
}

// takeReport ingests one report of a record.
func (m *Machine) takeReport(r *schemas.Record, raw []byte, from *origin) {
	run := from.run
	from.run++
	rep, err := report.Decode(raw)
	if err != nil {
		m.refuse(r, raw, fromReport(err))
		return
	}
	who, err := from.of(&rep.Ctx)
	if err != nil {
		m.refuse(r, raw, err)
		return
	}
	legs, bad := m.legs(rep)
	switch {
	case len(legs) == 0 && bad == nil:
		m.refuse(r, raw, refusal{reject.BadField, "data: no measurement in it"})
		return
	case len(legs) == 0:
		m.refuse(r, raw, bad)
		return
	case bad != nil:
		m.count.Partial++
		m.reject(r, raw, bad)
	}
	m.count.Reports++
	first := sample.Sample{
		Time:     from.time,
		Offset:   r.Offset,
		Run:      run,
		Client:   m.clients.hash(who.client, from.time),
		Resolver: who.resolver,
		ASN:      who.asn,
		Country:  who.country,
		Flags:    from.flags,
	}
	p := PartitionOf(who.resolver, len(m.rows))
	before := len(m.rows[p])
	m.rows[p] = m.appendSamples(m.rows[p], first, legs, from)
	m.count.Samples += int64(len(m.rows[p]) - before)
}

// refuse rejects a whole report, or a whole record.
func (m *Machine) refuse(r *schemas.Record, raw []byte, err error) {
	m.count.Rejected++
	m.reject(r, raw, err)
}

func (m *Machine) reject(r *schemas.Record, raw []byte, err error) {
	rej := reject.New(r, raw, reasonOf(err), err.Error())
	m.out = append(m.out, rej.Record(m.source.Number%int32(m.genesis.Samples)))
}
