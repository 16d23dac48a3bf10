package publish

import (
	"errors"
	"fmt"

	"detour/schemas"
	"detour/schemas/pathmap"
	"detour/schemas/reject"
)

// readBack reads maps on to the version made last. Two publishers may write at once, while one does not know yet that it
// was superseded. Of what they write every reader keeps the same version, and here each of them sees which: the same
// content, whoever wrote it, and it goes on; another, and it is of no use any more. So no version ever extends one that
// lost. It is in the log by now, since it was acknowledged: where the log ends before it, and for a while nothing comes, it
// was damaged and is made again. Behind it maps is read to its end: a machine that others have left behind must not repeat
// their versions, or a reader of the end might meet a stretch of the chain twice.
func (m *Machine) readBack(records []schemas.Record, next int64) (out []schemas.Record, err error) {
	end := next == m.maps
	if m.back == written && m.missing(records, !end) {
		return nil, fmt.Errorf("version %d can't be read back, %s ends at %d: %w", m.last.Version, mapsPartition, m.maps, schemas.ErrSuperseded)
	}
	for i := range records {
		r := &records[i]
		m.maps = r.Offset + 1
		p, err := m.chain.Add(r)
		if err != nil {
			out = refuse(out, r, reasonOf(err), err)
		}
		if p == nil {
			continue
		}
		if err := m.recognize(p, r); err != nil {
			return out, err
		}
	}
	m.maps = max(m.maps, next)
	if end && m.back == taken {
		m.back = settled
	}
	return out, nil
}

// back is where the machine stands with the last version that it made.
type back int

const (
	settled back = iota
	written      // its place is not taken yet in what was read of maps
	taken        // by the version itself, or an equal one: the rest is to be read
)

// patience is how many reads in a row may bring nothing where something has to be: so long something else may hold it up,
// such as an open transaction of a program that has no business there.
const patience = 32

// missing counts such reads, and reports that patience is at its end.
func (m *Machine) missing(records []schemas.Record, moved bool) bool {
	if m.empty++; len(records) > 0 || moved {
		m.empty = 0
	}
	return m.empty >= patience
}

// recognize compares the version that readers keep with the one that was made.
func (m *Machine) recognize(p *pathmap.Publication, r *schemas.Record) error {
	if m.back == taken {
		return fmt.Errorf("%s: the log holds version %d behind version %d, the last one made here: %w",
			r.At(), p.Manifest.Version, m.last.Version, schemas.ErrSuperseded)
	}
	if theirs := &p.Manifest; theirs.Version != m.last.Version || theirs.Digest != m.last.Digest {
		return fmt.Errorf("%s: version %d has digest %s, where version %d with %s was made: %w",
			r.At(), theirs.Version, theirs.Digest, m.last.Version, m.last.Digest, schemas.ErrSuperseded)
	}
	m.last, m.back = p.Manifest, taken
	return nil
}

// reasonOf tells a record of maps that can't be read from a version that lost.
func reasonOf(err error) reject.Reason {
	if errors.Is(err, pathmap.ErrStray) {
		return reject.OffChain
	}
	return reject.Undecodable
}

// Passed returns the reject of a record of maps that a reader passed over, because of an error of pathmap.Chain.
func Passed(r *schemas.Record, why error) schemas.Record {
	return refuse(nil, r, reasonOf(why), why)[0]
}
