package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"detour/internal/world"
	"detour/schemas"
)

// In the test a minute of the reports' time passes in a second, and reports are appended a few times a second.
const (
	chaosSpeed = 60
	dripEvery  = 250 * time.Millisecond
)

// chaosWorld is small: what counts is how many panes, ticks and versions there are.
func chaosWorld(length time.Duration, load int) (*world.World, error) {
	s := world.Default()
	s.Seed, s.Resolvers, s.Partitions, s.Bad, s.Faults = 7, 300, 4, 0.01, nil
	s.Duration = length * chaosSpeed
	s.Runs = int(length.Seconds() * float64(load))
	return world.New(s)
}

// reports counts reports by a digest of what they say: malformed ones may be equal.
type reports map[[sha256.Size]byte]int

func (r reports) add(value []byte) { r[sha256.Sum256(value)]++ }

// number is how many there are.
func (r reports) number() (n int) {
	for _, times := range r {
		n += times
	}
	return n
}

// missing is how many of r are not among others.
func (r reports) missing(others reports) (n int) {
	for value, times := range r {
		n += max(0, times-others[value])
	}
	return n
}

// resolverField is where a report names the resolver.
var resolverField = regexp.MustCompile(`"resolver":"[^"]*"`)

// local moves a report's resolver to where DNS can be asked from.
func (a *demoAliases) local(report []byte) []byte {
	return resolverField.ReplaceAllFunc(report, func(field []byte) []byte {
		named := strings.Split(string(field), `"`)[3]
		if addr, err := netip.ParseAddr(named); err == nil && a.alias[addr].IsValid() {
			named = a.alias[addr].String()
		}
		return fmt.Appendf(nil, `"resolver":%q`, named)
	})
}

// drip appends a world's reports while time passes, a few at once in each partition, between heartbeats: the first one is a
// clock, without which a source that has no mark waits for thousands of reports; the last one seals. Where the broker was
// away, it catches up.
func drip(ctx context.Context, p *pipeline, w *world.World) (sent reports, err error) {
	sent = make(reports)
	aliases := newAliases(w)
	begin, origin := time.Now(), w.Scenario().Start.UnixMilli()
	step := (dripEvery * chaosSpeed).Milliseconds()
	open := make([][]schemas.Record, w.Scenario().Partitions)
	appendBeats(open, origin)
	until := origin + step
	for run := range w.Runs() {
		for run.Time >= until {
			if err := appendReports(ctx, p, open); err != nil {
				return sent, err
			}
			time.Sleep(time.Until(begin.Add(time.Duration(until-origin) * time.Millisecond / chaosSpeed)))
			until += step
		}
		at := schemas.Partition{Topic: schemas.Reports, Number: run.Partition}
		r := schemas.Record{Partition: at, Time: run.Time, Value: aliases.local(run.Value)}
		open[run.Partition] = append(open[run.Partition], r)
		sent.add(r.Value)
	}
	appendBeats(open, sealedBy(&p.cfg.Genesis, w.End()))
	return sent, appendReports(ctx, p, open)
}

// appendBeats adds a heartbeat to what is to be appended to each partition.
func appendBeats(open [][]schemas.Record, ms int64) {
	for i := range open {
		at := schemas.Partition{Topic: schemas.Reports, Number: int32(i)}
		open[i] = append(open[i], schemas.Heartbeat(at, ms))
	}
}

// appendReports appends one batch in each partition, and empties it.
func appendReports(ctx context.Context, p *pipeline, open [][]schemas.Record) error {
	g, ctx := errgroup.WithContext(ctx)
	for i, records := range open {
		if len(records) == 0 {
			continue
		}
		open[i] = nil
		g.Go(func() error {
			_, err := p.log.Append(ctx, records[0].Partition, records)
			return err
		})
	}
	return g.Wait()
}
