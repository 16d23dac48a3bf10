package ingest

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/sample"
)

// dumb follows scout's five rules with the whole log in sight and nothing remembered.
type dumb struct {
	g     *control.Genesis
	log   []schemas.Record
	state []Checkpoint // behind each record that is settled
	time  []int64      // its event time; -1 = a reject, or a heartbeat
	flags []uint8
}

func newDumb(g *control.Genesis, log []schemas.Record) *dumb {
	d := &dumb{g: g, log: log}
	var c Checkpoint
	for i := range log {
		ms := log[i].Time
		at, flags := int64(-1), uint8(0)
		switch {
		case !g.Possible(ms):
		case isBeat(&log[i]):
			if !c.Heard {
				c = Checkpoint{Heard: true, Origin: ms, Mark: ms}
			}
			c.Mark = max(c.Mark, ms)
		default:
			var ok bool
			if c, ok = d.settle(c, i); !ok {
				return d
			}
			switch {
			case ms < c.Mark-g.MaxAge:
			case ms > c.Mark+g.MaxAhead:
				at, flags = c.Mark, sample.Skewed
			default:
				if at = max(ms, c.Mark-g.Lateness); at/g.Pane != ms/g.Pane {
					flags = sample.Late
				}
				c.Mark = max(c.Mark, ms)
			}
		}
		c.Offset = log[i].Offset + 1
		d.state, d.time, d.flags = append(d.state, c), append(d.time, at), append(d.flags, flags)
	}
	return d
}

func isBeat(r *schemas.Record) bool {
	_, beat := r.Header(schemas.HeartbeatHeader)
	return beat
}

// at returns the state in which everything before an offset was applied.
func (d *dumb) at(offset int64) (c Checkpoint) {
	for _, s := range d.state {
		if s.Offset <= offset {
			c = s
		}
	}
	return c
}

// settle asks again until the mark stands.
func (d *dumb) settle(c Checkpoint, i int) (Checkpoint, bool) {
	ms := d.log[i].Time
	for !c.Heard || ms < c.Mark-d.g.MaxAge || ms > c.Mark+d.g.MaxAhead {
		mark, ok := d.ask(c, i)
		if !ok {
			return c, false
		}
		if c.Heard && mark == c.Mark {
			return c, true
		}
		if !c.Heard {
			c.Heard, c.Origin = true, mark
		}
		c.Mark = mark
	}
	return c, true
}

func (d *dumb) ask(c Checkpoint, i int) (mark int64, ok bool) {
	voters, clock, beat := d.voters(i)
	ahead := c.Heard && d.log[i].Time > c.Mark
	yes := 0
	for n, v := range voters {
		if ahead && v >= d.log[i].Time-d.g.Lateness || !ahead && (!c.Heard || v < c.Mark-d.g.MaxAge) {
			yes++
		}
		if 2*yes == n+1 {
			return c.Mark, true
		}
	}
	earliest, latest := int64(math.MinInt64), int64(math.MaxInt64)
	if beat {
		earliest, latest = clock-30*24*hour, clock+d.g.MaxAhead
	}
	var may []int64
	for _, v := range voters {
		if earliest <= v && v <= latest {
			may = append(may, v)
		}
	}
	switch {
	case !beat && len(voters) < few:
		return 0, false
	case ahead && d.log[i].Time <= latest:
		return d.log[i].Time, true
	case ahead, c.Heard && beat && c.Mark <= latest:
		return c.Mark, true
	case len(may) > 0:
		return d.body(may, len(voters)), true
	case c.Heard:
		return c.Mark, true
	}
	return clock, true
}

// voters returns the times from record i on, and the heartbeat behind them.
func (d *dumb) voters(i int) (times []int64, clock int64, beat bool) {
	for ; i < len(d.log) && len(times) < few; i++ {
		switch r := &d.log[i]; {
		case !d.g.Possible(r.Time):
		case isBeat(r):
			return times, r.Time, true
		default:
			times = append(times, r.Time)
		}
	}
	return times, 0, false
}

// body tries every time as the least of the body, the latest first.
func (d *dumb) body(may []int64, voters int) int64 {
	for _, least := range may {
		reach, size := least, 0
		for range may { // as often as it may grow
			size = 0
			for _, v := range may {
				if v >= least && v <= reach+d.g.MaxAhead {
					size++
					reach = max(reach, v)
				}
			}
		}
		if 2*size > voters && !slices.ContainsFunc(may, func(v int64) bool { return v < least && v >= least-d.g.MaxAhead }) {
			return least
		}
	}
	return slices.Min(may)
}

func TestTimesAgreeWithARereadingOfTheWholeLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records, end := genSource(t)
		for i := range records {
			if !isBeat(&records[i]) {
				records[i].Value = []byte(withPulse(`{"sc":0}`))
			}
		}
		d := newDumb(testGenesis(), records)
		m := hasty(Checkpoint{})
		r := reader{t, records, end, func() int { return rapid.IntRange(0, 10).Draw(t, "read") }}
		o := collect(t, r.all(m))
		got := byPlace(o.samples)
		for i := range d.state {
			s, counts := got[[2]int64{records[i].Offset, 0}]
			if counts != (d.time[i] >= 0) || counts && (s.Time != d.time[i] || s.Flags != d.flags[i]) {
				t.Fatalf("%s is %t at %d with flags %d, want %d, %d", records[i].At(), counts, s.Time, s.Flags, d.time[i], d.flags[i])
			}
		}
		settled := end
		if n := len(d.state); n < len(records) {
			settled = records[n].Offset
		}
		if m.Checkpoint().Offset != settled || m.Undecided() != (settled != end) {
			t.Fatalf("the machine is at %d, %d of %d are settled", m.Checkpoint().Offset, settled, end)
		}
	})
}
