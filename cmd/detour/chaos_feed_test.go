package main

import (
	"context"
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
func chaosWorld(length time.Duration) (*world.World, error) {
	s := world.Default()
	s.Seed, s.Resolvers, s.Partitions, s.Bad, s.Faults = 7, 300, 4, 0.01, nil
	s.Duration = length * chaosSpeed
	s.Runs = int(s.Duration/time.Minute) * 240
	return world.New(s)
}

// reports counts reports by what they say: malformed ones may be equal.
type reports map[string]int

func (r reports) add(value []byte) { r[string(value)]++ }

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

// drip appends a world's reports while time passes, a few at once in each partition, and the heartbeats that end them. Where
// the broker was away, it catches up.
func drip(ctx context.Context, p *pipeline, w *world.World) (sent reports, err error) {
	sent = make(reports)
	begin, origin := time.Now(), w.Scenario().Start.UnixMilli()
	step := (dripEvery * chaosSpeed).Milliseconds()
	open := make([][]schemas.Record, w.Scenario().Partitions)
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
		open[run.Partition] = append(open[run.Partition], schemas.Record{Partition: at, Time: run.Time, Value: run.Value})
		sent.add(run.Value)
	}
	for i := range open {
		at := schemas.Partition{Topic: schemas.Reports, Number: int32(i)}
		open[i] = append(open[i], schemas.Heartbeat(at, sealedBy(&p.cfg.Genesis, w.End())))
	}
	return sent, appendReports(ctx, p, open)
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
