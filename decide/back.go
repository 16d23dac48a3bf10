package decide

import (
	"fmt"

	"detour/schemas"
	"detour/schemas/decision"
)

// back follows the decisions partition behind the point where this machine took over. A tick counts once it was read
// there: two machines that write at once read the same log, so that one of them finds the other's tick in the place of
// its own, and gives up. It reads on to the end of the partition, so that a machine that others have left behind never
// repeats more than one of their ticks: a reader of the partition's end must not meet a stretch of the chain twice.
type back struct {
	genesis string // hash
	paths   int
	chain   decision.Chain
	offset  int64 // next in decisions
	state   backState
	broken  int // records that can't be read, since the last tick was written
}

type backState int

const (
	settled backState = iota
	waiting           // for the place of the last tick to be taken
	taken             // by an equal one: the rest is to be read
)

func (b *back) input() schemas.Input {
	p := schemas.Partition{Topic: schemas.Decisions}
	return schemas.Input{Partition: p, Offset: b.offset, Wait: b.state == waiting}
}

// expect begins to wait for the tick that is about to be appended.
func (b *back) expect() { b.state, b.broken = waiting, 0 }

// read returns the ticks that are kept. Records that are of no use to any reader are passed over: publish, which reads
// them too, quarantines them.
func (b *back) read(records []schemas.Record, next int64) (kept []*decision.Whole) {
	for i := range records {
		batch, err := decodeTick(b.genesis, b.paths, &records[i])
		if err != nil {
			b.broken++
			continue
		}
		w, _, err := b.chain.Add(batch)
		if err != nil {
			b.broken++
		}
		if w != nil {
			kept = append(kept, w)
		}
	}
	b.offset = next
	return kept
}

// decodeTick decodes a record of the decisions partition. One that was written for another genesis, or sends somebody
// over a path that there is not, is no use here.
func decodeTick(genesis string, paths int, r *schemas.Record) (*decision.Batch, error) {
	b, err := decision.Decode(r.Value)
	if err != nil {
		return nil, err
	}
	if b.Head.Genesis != genesis {
		return nil, fmt.Errorf("written for genesis %.16s, this is %.16s", b.Head.Genesis, genesis)
	}
	for i := range b.Decisions {
		d := &b.Decisions[i]
		if p := max(d.Path, d.Previous, d.Candidate); int(p) >= paths {
			return nil, fmt.Errorf("row %d: path %d of %d", i, p, paths)
		}
	}
	return b, nil
}

// unreadError says that the decisions partition was read to its end, and the tick that was appended is not there.
type unreadError struct {
	before int64
	broken int
}

func (e *unreadError) Error() string {
	return fmt.Sprintf("the last tick can't be read back: %d records before offset %d are broken; it has to be decided again",
		e.broken, e.before)
}

// Unwrap makes the machine one that is made anew: it goes on behind what can be read.
func (e *unreadError) Unwrap() error { return schemas.ErrSuperseded }

// readBack takes what was read of the decisions partition. Once the place of the last tick is taken by the tick itself,
// or by an equal one, and nothing follows, the machine goes on.
func (m *Machine) readBack(records []schemas.Record, next int64) ([]schemas.Record, error) {
	b := &m.back
	end := next == b.offset
	for _, w := range b.read(records, next) {
		if b.state == taken || w.Tick.Digest != m.last.Digest {
			return nil, m.overtaken(&w.Tick)
		}
		b.state = taken
	}
	switch {
	case !end:
		return nil, nil
	case b.state == taken:
		b.state = settled
		return m.collect(), nil
	case b.broken > 0:
		return nil, &unreadError{before: b.offset, broken: b.broken}
	}
	return nil, nil
}

// overtaken tells why another tick may stand in the place of this machine's last one.
func (m *Machine) overtaken(won *decision.Tick) error {
	if m.back.state == taken {
		return fmt.Errorf("the log holds tick %d behind tick %d, the last of this machine: %w", won.Number, m.last.Number, schemas.ErrSuperseded)
	}
	mine, theirs := m.last.Positions.Control, won.Positions.Control
	why := fmt.Sprintf("it had read control to %d, this machine to %d", theirs, mine)
	switch {
	case won.Number != m.last.Number:
		why = "those between are missing"
	case mine == theirs && won.Totals.Incomplete != m.last.Totals.Incomplete:
		why = "one of the two had lost windows"
	case mine == theirs:
		why = "both had read the same windows, and control to the same offset: the two programs decide differently"
	}
	return fmt.Errorf("tick %d is %.16s here, the log has tick %d, %.16s, in its place (%s): %w",
		m.last.Number, m.last.Digest, won.Number, won.Digest, why, schemas.ErrSuperseded)
}
