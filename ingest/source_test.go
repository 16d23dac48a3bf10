package ingest

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
	"detour/schemas/control"
)

// beat returns a heartbeat of the test's source.
func beat(offset, ms int64) schemas.Record {
	r := schemas.Heartbeat(schemas.Partition{Topic: schemas.Reports}, ms)
	r.Offset = offset
	return r
}

// reader reads a log as a shell does, in reads of any size, until it has what the machine asks for or the log ends.
// Offsets without a record, and those behind the last one, are markers: an end of a read may lie before or behind them.
type reader struct {
	t    interface{ Fatal(...any) }
	log  []schemas.Record
	end  int64
	size func() int
}

// step does one read. It returns false at the end of the log.
func (r *reader) step(m *Machine) (out []schemas.Record, more bool) {
	at := m.Next().Offset
	if at >= r.end {
		return nil, false
	}
	first, _ := slices.BinarySearchFunc(r.log, at, func(rec schemas.Record, at int64) int { return int(rec.Offset - at) })
	last := min(len(r.log), first+r.size())
	next := r.end
	if last < len(r.log) {
		next = r.log[last].Offset
		if last > first && r.size()%2 == 0 {
			next = r.log[last-1].Offset + 1
		}
	}
	out, err := m.Apply(r.log[first:last], max(next, at))
	if err != nil {
		r.t.Fatal(err)
	}
	return out, true
}

func (r *reader) all(m *Machine) (out []schemas.Record) {
	for {
		more, ok := r.step(m)
		if out = append(out, more...); !ok {
			return out
		}
	}
}

// genSource draws a source with good and bad reports, bad clocks, gaps, jumps back and ahead, impossible times,
// heartbeats of good and bad clocks, and markers.
func genSource(t *rapid.T) (records []schemas.Record, end int64) {
	values := []string{good, good, good + "\n" + good, "", "{", withPulse(`{"sc":0,"tcp":1}`), strings.Replace(good, "192.0.2.1", "198.51.100.3", 1)}
	const hour, year = 3_600_000, 365 * 24 * 3_600_000
	clock := int64(60 * year)
	gap := rapid.IntRange(0, 20)
	for range rapid.IntRange(1, 60).Draw(t, "n") {
		step := rapid.Int64Range(0, 20_000).Draw(t, "step")
		switch gap.Draw(t, "gap") {
		case 0:
			step = rapid.SampledFrom([]int64{hour / 4, hour, 50 * hour, -hour / 4, -3 * hour, 30 * year, -30 * year}).Draw(t, "jump")
		case 1:
			end++ // a marker
		}
		clock = max(clock+step, year)
		skew := rapid.SampledFrom([]int64{0, 0, 0, 0, -5_000, -50_000, -5_000_000, 900_000, 30 * year, -30 * year}).Draw(t, "skew")
		r := record(end, clock+skew, rapid.SampledFrom(values).Draw(t, "value"))
		switch rapid.IntRange(0, 19).Draw(t, "kind") {
		case 0, 1:
			r = beat(end, clock)
		case 2:
			r = beat(end, clock+skew)
		case 3:
			r.Time = rapid.SampledFrom([]int64{-1, 0, 1, control.LastTime + 1}).Draw(t, "odd")
		}
		records = append(records, r)
		end++
	}
	if rapid.Bool().Draw(t, "ended") {
		records = append(records, beat(end, clock))
		end++
	}
	return records, end + rapid.Int64Range(0, 1).Draw(t, "marker")
}

func TestSamplesDoNotDependOnBatchesOrRestarts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records, end := genSource(t)
		whole := reader{t, records, end, func() int { return len(records) }}
		one := hasty(Checkpoint{})
		a := collect(t, whole.all(one))
		cut := reader{t, records, end, func() int { return rapid.IntRange(0, 10).Draw(t, "read") }}
		m := hasty(Checkpoint{})
		var parts []schemas.Record
		for more := true; more; {
			var out []schemas.Record
			out, more = cut.step(m)
			parts = append(parts, out...)
			if more && rapid.IntRange(0, 3).Draw(t, "restart") == 0 {
				m = restarted(t, m)
			}
		}
		b := collect(t, parts)
		if x, y := one.Checkpoint(), m.Checkpoint(); x != y {
			t.Fatalf("in one go up to %+v, in parts up to %+v", x, y)
		}
		if !reflect.DeepEqual(byPlace(a.samples), byPlace(b.samples)) || !reflect.DeepEqual(a.rejects, b.rejects) {
			t.Fatalf("%d samples and %d rejects in one go, %d and %d in parts", len(a.samples), len(a.rejects), len(b.samples), len(b.rejects))
		}
		marks := newDumb(testGenesis(), records)
		for i, h := range b.heads {
			if i > 0 && h.From != b.heads[i-1].To {
				t.Fatalf("a hole between %+v and %+v", b.heads[i-1], h)
			}
			if want := marks.at(h.To); h.Mark != want.Mark || h.Origin != want.Origin {
				t.Fatalf("the head is %+v, want %+v", h, want)
			}
		}
	})
}

// hasty returns a machine with a small quorum, which drawn sources reach.
func hasty(from Checkpoint) *Machine {
	m := resumed(from)
	m.scout.quorum = few
	return m
}

const few = 9

// restarted returns what goes on after a crash at m's checkpoint.
func restarted(t *rapid.T, m *Machine) *Machine {
	point := m.Checkpoint()
	metadata, err := point.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseCheckpoint(point.Offset, metadata)
	if err != nil {
		t.Fatal(err)
	}
	return hasty(again)
}
