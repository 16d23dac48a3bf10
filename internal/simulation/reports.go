package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"detour/schemas"
	"detour/schemas/control"
)

// report is one record that a collector sends.
type report struct {
	due       time.Time
	partition int32
	stamp     int64 // ms: what the collector's clock says
	value     string
	pulses    int   // samples in it
	offset    int64 // once it was sent
}

// genesis returns settings under which twenty seconds are twenty panes.
func genesis(rng *rand.Rand) control.Genesis {
	g := control.DefaultGenesis()
	g.Reports, g.ClientKey = "reports", "simulation"
	g.Samples = 1 + rng.IntN(3)
	g.Pane, g.Lateness, g.MaxAge, g.MaxAhead = 1000, 300, 5000, 4000
	g.MaxCells, g.RunsPerClient = 2, 3
	g.Paths = []control.Path{{ID: "direct", Kind: control.Direct, Default: true}, {ID: "edge", Kind: control.Proxy}, {ID: "far", Kind: control.Proxy}}
	return g
}

// policy returns one under which a handful of runs decides and snapshots are frequent.
func policy(rng *rand.Rand) control.Policy {
	p := control.DefaultPolicy()
	p.Window, p.Hold = 1+rng.IntN(4), 1+rng.IntN(2) // evidence of one epoch or two
	p.Latency.MinRuns, p.Harm.Limit = 2, 300_000
	p.Reachability.Window = min(2, p.Window)
	p.Publish = control.Publishing{Expiry: 10, Renew: 1 + rng.IntN(4), Snapshot: 1 + rng.IntN(5)}
	return p
}

// begin writes the log's genesis and policy, and thinks up the reports.
func (s *simulation) begin() error {
	start := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	time.Sleep(time.Until(start))
	s.control(control.Record{Genesis: &s.genesis})
	s.apply(policy(s.rng))
	partitions, err := s.log.Partitions(context.Background(), schemas.Reports)
	if err != nil {
		return err
	}
	length := time.Duration(8+s.rng.IntN(10)) * time.Second
	silence := time.Duration(s.rng.IntN(int(length)))
	burst := []time.Duration{time.Millisecond, time.Second / 2}[s.rng.IntN(2)]
	for range 100 + s.rng.IntN(300) {
		at := time.Duration(s.rng.Int64N(int64(length))).Truncate(burst)
		if at > silence { // nobody sends for a while, for longer than max_ahead now and then
			at += time.Duration(s.genesis.MaxAhead) * time.Millisecond * time.Duration(s.cfg.Seed%3) * 3 / 4
		}
		s.reports = append(s.reports, newReport(s.rng, start.Add(at), int32(s.rng.IntN(partitions))))
	}
	slices.SortStableFunc(s.reports, func(a, b report) int { return a.due.Compare(b.due) })
	s.end = s.reports[len(s.reports)-1].due.Add(2 * time.Second)
	return nil
}

// apply is what an operator does now and then.
func (s *simulation) apply(p control.Policy) {
	s.faults.count("policy applied")
	s.control(control.Record{Policy: &p})
}

func (s *simulation) control(r control.Record) {
	record, err := r.Encode()
	if err != nil {
		s.breach("control: %w", err)
		return
	}
	s.put(record.Partition, []schemas.Record{record})
}

// newReport thinks up one report of one of a dozen resolvers, each with a truth of its own.
func newReport(rng *rand.Rand, at time.Time, partition int32) report {
	r := report{due: at, partition: partition, stamp: stamp(rng, at.UnixMilli())}
	resolver := 1 + rng.IntN(12)
	var targets []string
	for i, path := range []string{"direct", "edge", "far"} {
		var pulses []string
		for pulse := range 2 {
			status := 200
			if rng.IntN(15) == 0 || path == "edge" && resolver == 3 && at.Second() > 8 {
				status = []int{0, 503, 404}[rng.IntN(3)]
			}
			latency := (50 + 10*float64((resolver*(i+2))%7)) * (0.9 + 0.2*rng.Float64())
			pulses = append(pulses, fmt.Sprintf(`{"sc":%d,"d":%.3f,"tcp":%d}`, status, latency, 9*(1-pulse)))
		}
		targets = append(targets, fmt.Sprintf(`{"name":%q,"data":[%s]}`, path, strings.Join(pulses, ",")))
		r.pulses += len(pulses)
	}
	ip := netip.AddrFrom4([4]byte{192, 0, 2, byte(resolver)})
	r.value = fmt.Sprintf(`{"ctx":{"id":"r","resolver":"%s","asn":%d,"country":"DE","client":"c%d"},"data":[%s]}`,
		ip, 64500+rng.IntN(4), rng.IntN(40), strings.Join(targets, ","))
	if rng.IntN(40) == 0 {
		r.value = r.value[:len(r.value)/2]
	}
	return r
}

// stamp is what the clock of some collector says: most are right.
func stamp(rng *rand.Rand, now int64) int64 {
	const far = 180_000 // ms: a hundred panes and more, beyond every limit
	switch rng.IntN(60) {
	case 0:
		return now + far
	case 1:
		return now - far
	case 2:
		return now - int64(rng.IntN(8000))
	case 3:
		return now + int64(rng.IntN(2000))
	case 4, 5, 6, 7:
		return now - int64(rng.IntN(600))
	}
	return now - int64(rng.IntN(100))
}

// send appends the reports that are due.
func (s *simulation) send() {
	for len(s.reports) > 0 && !s.reports[0].due.After(time.Now()) {
		r := s.reports[0]
		p := schemas.Partition{Topic: schemas.Reports, Number: r.partition}
		r.offset = s.put(p, []schemas.Record{{Time: r.stamp, Value: []byte(r.value)}})
		s.sent, s.reports = append(s.sent, r), s.reports[1:]
	}
}

// close tells every source's end, late enough to seal all panes with reports.
func (s *simulation) close() error {
	n, err := s.log.Partitions(context.Background(), schemas.Reports)
	for i := range n {
		p := schemas.Partition{Topic: schemas.Reports, Number: int32(i)}
		s.put(p, []schemas.Record{schemas.Heartbeat(p, time.Now().UnixMilli()+5*s.genesis.Pane)})
	}
	return err
}
