package replay

import (
	"context"
	"fmt"
	"math"

	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/decision"
	"detour/schemas/pathmap"
)

// recorded is what a log says was decided and published: of each whole its digest and its place, never its content, so
// that it stays small whatever a map's size.
type recorded struct {
	*source
	genesis    string // hash
	paths      int
	versions   kept[version]
	ticks      kept[tick]
	unreadable []Unreadable
}

// version is a published version.
type version struct {
	chunk.Link
	tick       int64 // the last one in it
	control    int64 // how far control was read for it
	incomplete bool
	at         span
}

func (v version) link() chunk.Link { return v.Link }
func (v version) place() span      { return v.at }

// tick is a tick of decide.
type tick struct {
	chunk.Link
	pane      int64
	positions decision.Positions
	state     string // digest of all rows of a snapshot, those that did not change included; "" otherwise
	at        span
}

func (t tick) link() chunk.Link { return t.Link }
func (t tick) place() span      { return t.at }

// readVersions follows the maps partition, as far as version last if that is above 0.
func (r *recorded) readVersions(ctx context.Context, last int64) error {
	var whole pathmap.Assembler
	from := r.start(mapsPartition)
	return r.scan(ctx, mapsPartition, from, math.MaxInt64, func(rec *schemas.Record) (bool, error) {
		p, err := whole.Add(rec)
		if err == nil && p != nil && p.Manifest.Genesis != r.genesis {
			err = fmt.Errorf("version %d is of genesis %.16s, this log's is %.16s", p.Manifest.Version, p.Manifest.Genesis, r.genesis)
		}
		if err != nil {
			r.unread(rec, err)
			return true, nil
		}
		if p == nil {
			return true, nil
		}
		m := &p.Manifest
		if r.versions.offer(version{
			Link: chunk.Link{Number: m.Version, Digest: m.Digest, Previous: m.Previous, Full: true},
			tick: m.Tick, control: m.Positions.Control, incomplete: m.Incomplete, at: span{from, rec.Offset + 1},
		}) {
			whole.Skip(m.Version)
			from = rec.Offset + 1
		}
		return last == 0 || m.Version <= last, nil // one more, so that the last is sure
	})
}

// readTicks follows the decisions partition, as far as tick last if that is above 0.
func (r *recorded) readTicks(ctx context.Context, last int64) error {
	var whole decision.Assembler
	from := r.start(decisionsPartition)
	return r.scan(ctx, decisionsPartition, from, math.MaxInt64, func(rec *schemas.Record) (bool, error) {
		w, err := r.addTick(&whole, rec)
		if err != nil {
			r.unread(rec, err)
			return true, nil
		}
		if w == nil {
			return true, nil
		}
		if r.ticks.offer(tickOf(w, span{from, rec.Offset + 1})) {
			whole.Skip(w.Pane)
			from = rec.Offset + 1
		}
		return last == 0 || w.Tick.Number <= last, nil
	})
}

// addTick takes a record, which has to be one that readers of decisions can use.
func (r *recorded) addTick(whole *decision.Assembler, rec *schemas.Record) (*decision.Whole, error) {
	b, err := decision.Decode(rec.Value)
	if err != nil {
		return nil, err
	}
	if b.Head.Genesis != r.genesis {
		return nil, fmt.Errorf("decided for genesis %.16s, this log's is %.16s", b.Head.Genesis, r.genesis)
	}
	for i := range b.Decisions {
		if d := &b.Decisions[i]; int(max(d.Path, d.Previous, d.Candidate)) >= r.paths {
			return nil, fmt.Errorf("row %d: path %d of %d", i, max(d.Path, d.Previous, d.Candidate), r.paths)
		}
	}
	return whole.Add(b)
}

func tickOf(w *decision.Whole, at span) tick {
	t := tick{
		Link: chunk.Link{Number: w.Tick.Number, Digest: w.Tick.Digest, Previous: w.Tick.Previous, Full: w.Tick.Snapshot},
		pane: w.Pane, positions: w.Tick.Positions, at: at,
	}
	if w.Tick.Snapshot {
		t.state = stateDigest(w)
	} else {
		t.positions = decision.Positions{Control: w.Tick.Positions.Control} // nothing starts there
	}
	return t
}

// stateDigest covers every row of a snapshot; a tick's own digest covers those that it changed.
func stateDigest(w *decision.Whole) string {
	rows := make([]decision.Decision, len(w.Decisions))
	for i, d := range w.Decisions {
		d.Changed = 1
		rows[i] = d
	}
	return decision.Digest("", w.Pane, "", rows)
}

// controls returns how far control was read before each tick that the log tells of. A version tells, too: a policy that
// takes effect makes one.
func (r *recorded) controls() map[int64]int64 {
	reads := make(map[int64]int64)
	for i := range r.versions.all {
		reads[r.versions.all[i].tick] = r.versions.all[i].control
	}
	for i := range r.ticks.all {
		reads[r.ticks.all[i].Number] = r.ticks.all[i].positions.Control
	}
	return reads
}

// loadVersion reads a version's content.
func (r *recorded) loadVersion(ctx context.Context, v *version) (found *pathmap.Publication, err error) {
	var whole pathmap.Assembler
	err = r.scan(ctx, mapsPartition, v.at.from, v.at.to, func(rec *schemas.Record) (bool, error) {
		if p, err := whole.Add(rec); err == nil && p != nil && rec.Offset == v.at.to-1 {
			found = p
		}
		return true, nil
	})
	if err == nil && found == nil {
		err = fmt.Errorf("version %d is no longer in maps/0 [%d, %d)", v.Number, v.at.from, v.at.to)
	}
	return found, err
}

// loadTick reads a tick's content.
func (r *recorded) loadTick(ctx context.Context, t *tick) (found *decision.Whole, err error) {
	var whole decision.Assembler
	err = r.scan(ctx, decisionsPartition, t.at.from, t.at.to, func(rec *schemas.Record) (bool, error) {
		if w, err := r.addTick(&whole, rec); err == nil && w != nil && rec.Offset == t.at.to-1 {
			found = w
		}
		return true, nil
	})
	if err == nil && found == nil {
		err = fmt.Errorf("tick %d is no longer in decisions/0 [%d, %d)", t.Number, t.at.from, t.at.to)
	}
	return found, err
}
