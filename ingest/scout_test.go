package ingest

import (
	"slices"
	"testing"

	"detour/schemas"
	"detour/schemas/control"
	"detour/schemas/sample"
)

const (
	sec    = int64(1000)
	minute = 60 * sec
	hour   = 60 * minute
	year   = 365 * 24 * hour
	noon   = 55*year + 12*hour
)

// script builds a source: reports by their time, heartbeats as beatAt.
type script []schemas.Record

func (s script) reports(times ...int64) script {
	for _, ms := range times {
		s = append(s, record(int64(len(s)), ms, withPulse(`{"sc":0}`)))
	}
	return s
}

func (s script) beat(ms int64) script { return append(s, beat(int64(len(s)), ms)) }

// every returns n times from first on, step apart.
func every(step, first int64, n int) (times []int64) {
	for i := range int64(n) {
		times = append(times, first+i*step)
	}
	return times
}

func TestOneBadClockDoesNotMoveTheMarkAndAGapDoesNotHoldIt(t *testing.T) {
	full := every(sec/100, noon+20*minute, quorum)
	for _, c := range []struct {
		name   string
		source script
		mark   int64   // at the end of what is settled
		origin int64   //
		kept   int     // reports that count at their own time
		skewed []int64 // offsets
		old    int     // rejects
		open   int     // records at the end that are not settled
	}{
		{"a clock years ahead", script{}.beat(noon).reports(noon, noon+20*year, noon+sec), noon + sec, noon, 2, []int64{2}, 0, 0},
		{"a clock years ahead at the end", script{}.beat(noon).reports(noon, noon+20*year), noon, noon, 1, nil, 0, 1},
		{"a clock years ahead, then idle", script{}.beat(noon).reports(noon + 20*year).beat(noon + 10*sec), noon + 10*sec, noon, 0, []int64{1}, 0, 0},
		{"a clock hours behind, then idle", script{}.beat(noon).reports(noon - 2*hour).beat(noon + 10*sec), noon + 10*sec, noon, 0, nil, 1, 0},
		{"a burst of a bad clock", script{}.beat(noon).reports(every(sec, noon+20*year, 3)...).reports(every(sec, noon, 3)...), noon + 2*sec, noon, 3, []int64{1, 2, 3}, 0, 0},
		{"the first clock is years ahead", script{}.reports(noon+20*year, noon, noon+sec).beat(noon + 2*sec), noon + 2*sec, noon, 2, []int64{0}, 0, 0},
		{"the first clock is years behind", script{}.reports(noon-20*year, noon, noon+sec).beat(noon + 2*sec), noon + 2*sec, noon, 2, nil, 1, 0},
		{"the first clock is alone and a year behind", script{}.reports(noon - year).beat(noon), noon, noon, 0, nil, 1, 0},
		{"a first backlog of a week", script{}.reports(noon - 7*24*hour).beat(noon), noon, noon - 7*24*hour, 1, nil, 0, 0},
		{"the first clock is alone and ahead", script{}.reports(noon + 20*year).beat(noon), noon, noon, 0, []int64{0}, 0, 0},
		{"a first report alone", script{}.reports(noon), 0, 0, 0, nil, 0, 1},
		{"a gap, then idle", script{}.beat(noon).reports(noon+20*minute, noon+21*minute).beat(noon + 22*minute), noon + 22*minute, noon, 2, nil, 0, 0},
		{"a gap, then many", script{}.beat(noon).reports(full...), full[quorum-1], noon, quorum, nil, 0, 0},
		{"a gap, then one too few", script{}.beat(noon).reports(full[1:]...), noon, noon, 0, nil, 0, quorum - 1},
		{"a gap and a bad clock", script{}.beat(noon).reports(noon + 20*year).reports(full...), full[quorum-1], noon, quorum, []int64{1}, 0, 0},
		{"one an hour, from a backlog", script{}.beat(noon).reports(every(hour, noon+hour, 50)...).beat(noon + 51*hour), noon + 51*hour, noon, 50, nil, 0, 0},
		{"one an hour from the first on", script{}.reports(every(hour, noon, 50)...).beat(noon + 50*hour), noon + 50*hour, noon, 50, nil, 0, 0},
		{"a mark that is years ahead, by a clock", script{}.beat(noon+20*year).reports(noon, noon+sec).beat(noon + 2*sec), noon + 2*sec, noon + 20*year, 2, nil, 0, 0},
		{"a mark that is years ahead, by many", script{}.beat(noon + 20*year).reports(full...), full[quorum-1], noon + 20*year, quorum, nil, 0, 0},
		{"a wrong heartbeat alone lowers nothing", script{}.beat(noon).reports(noon + 20*year).beat(noon - 20*year).reports(noon + sec), noon + sec, noon, 1, []int64{1}, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := resumed(Checkpoint{})
			end := int64(len(c.source))
			r := reader{t, c.source, end, func() int { return 501 }}
			o := collect(t, r.all(m))
			kept, skewed := 0, []int64(nil)
			for _, s := range o.samples {
				switch {
				case s.Flags&sample.Skewed != 0:
					skewed = append(skewed, s.Offset)
				case s.Time == c.source[s.Offset].Time:
					kept++
				}
			}
			p := m.Checkpoint()
			if p.Mark != c.mark || p.Origin != c.origin || end-p.Offset != int64(c.open) || m.Undecided() != (c.open > 0) {
				t.Errorf("the mark is noon%+d, the origin noon%+d, %d are open", p.Mark-noon, p.Origin-noon, end-p.Offset)
			}
			if kept != c.kept || !slices.Equal(skewed, c.skewed) || len(o.rejects) != c.old {
				t.Errorf("%d counted at their time, %v skewed, %d rejects", kept, skewed, len(o.rejects))
			}
		})
	}
}

func TestAReportFromBeforeTheFirstPossibleDayIsAReject(t *testing.T) {
	g := testGenesis()
	g.NotBefore = control.DefaultGenesis().NotBefore
	m := New(g, ClientKey("0123456789abcdef"), 0, 1, Checkpoint{Heard: true, Origin: noon, Mark: noon})
	source := script{}.reports(g.NotBefore-1, 0, noon).beat(g.NotBefore - 1)
	out, err := m.Apply(source, 4)
	if err != nil {
		t.Fatal(err)
	}
	if o := collect(t, out); len(o.samples) != 1 || len(o.rejects) != 3 || m.Checkpoint().Mark != noon {
		t.Errorf("%d samples, rejects %+v", len(o.samples), o.rejects)
	}
}

func TestWhatCannotBeReadIsAHole(t *testing.T) {
	m := begun(noon)
	lost := schemas.Unreadable(schemas.Partition{Topic: schemas.Reports}, 1, 3, "a damaged batch")
	source := script{}.reports(noon, noon, noon, noon)
	out, err := m.Apply([]schemas.Record{source[0], lost, source[3]}, 4)
	if err != nil {
		t.Fatal(err)
	}
	o := collect(t, out)
	if h := o.heads; len(h) != 2 || h[0].To != 1 || h[1].From != 3 || h[1].To != 4 || h[1].Counts.Rejected != 1 || len(o.rejects) != 1 {
		t.Errorf("heads %+v, rejects %+v", h, o.rejects)
	}
}
