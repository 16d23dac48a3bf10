package simulation

import (
	"context"
	"slices"
	"time"

	"detour/internal/dataflow"
	"detour/schemas"
)

// advance lets a little time pass, and sends the reports that are due.
func (s *simulation) advance() {
	const busy, quiet = 4, 60 // ms at most
	s.cfg.Wait()              // for who was answered last
	limit := quiet
	if slices.ContainsFunc(s.waiting(), s.useful) {
		limit = busy
	}
	time.Sleep(time.Duration(1+s.rng.IntN(limit)) * time.Millisecond)
	s.send()
	s.turn()
}

// turn begins a step: every goroutine has come to a stop, and what happened at its time happens.
func (s *simulation) turn() {
	s.step++
	s.cfg.Wait()
	s.land()
	s.coordinate()
	s.cfg.Wait()
	if s.step%16 == 0 {
		s.observer.look()
	}
}

// useful reports whether an answer gets a process further: a fetch at the end of the log does not.
func (s *simulation) useful(o *op) bool {
	if o.proc.pausedUntil > s.step {
		return false
	}
	if o.kind != fetching {
		return true
	}
	_, end, err := s.log.Bounds(context.Background(), o.partition)
	return err != nil || o.offset < end
}

// answer answers one call, or breaks it, and tells whether that got anybody further.
func (s *simulation) answer() bool {
	ops := slices.DeleteFunc(s.waiting(), func(o *op) bool { return o.proc.pausedUntil > s.step })
	useful := slices.DeleteFunc(slices.Clone(ops), func(o *op) bool { return !s.useful(o) })
	if len(useful) > 0 && !s.chance(12) {
		ops = useful
	}
	if len(ops) == 0 {
		return len(s.late) > 0 || s.unsettled()
	}
	o := ops[s.rng.IntN(len(ops))]
	useless := !s.useful(o)
	s.note("%s %s %s@%d (%d)", o.proc, o.kind, o.partition, o.offset, len(o.records))
	switch {
	case !s.cfg.Calm && s.breaks(o):
	case o.kind == appending:
		s.append(o)
	case o.kind == committing:
		s.finish(o, reply{err: o.commit.apply(o.offset)})
	default:
		s.finish(o, s.read(o))
	}
	return !useless || len(useful) > 0 || len(s.late) > 0 || s.unsettled()
}

// read answers what changes nothing.
func (s *simulation) read(o *op) (r reply) {
	ctx := context.Background()
	switch o.kind {
	case counting:
		r.n, r.err = s.log.Partitions(ctx, o.partition.Topic)
	case bounding:
		r.start, r.end, r.err = s.log.Bounds(ctx, o.partition)
	case fetching:
		if !s.useful(o) {
			r.fetched = dataflow.Fetched{Next: o.offset, End: o.offset}
			return r
		}
		r.fetched, r.err = s.log.Fetch(ctx, o.partition, o.offset)
		if n := len(r.fetched.Records); n > 1 && !s.chance(4) { // reads end anywhere
			r.fetched.Records = r.fetched.Records[:1+s.rng.IntN(n)]
			r.fetched.Next = r.fetched.Records[len(r.fetched.Records)-1].Offset + 1
		}
	case appending, committing:
	}
	return r
}

// append puts some of a call's records into the log, and answers once all are there. A runner cuts what is too large for
// one batch just so.
func (s *simulation) append(o *op) {
	if !o.landed {
		n := len(o.records)
		if n > 1 && s.chance(2) {
			n = 1 + s.rng.IntN(n-1)
		}
		if first := s.put(o.partition, o.records[:n]); !o.begun {
			o.first, o.begun = first, true
		}
		if o.records = o.records[n:]; len(o.records) > 0 {
			return
		}
		o.landed = true
		if !s.cfg.Calm && s.chance(8) {
			s.faults.count("acknowledgement delayed")
			return
		}
	}
	s.finish(o, reply{start: o.first})
}

func (s *simulation) put(p schemas.Partition, records []schemas.Record) int64 {
	first, err := s.log.Append(context.Background(), p, records)
	if err != nil {
		s.breach("append to %s: %w", p, err)
	}
	if first > maxRecords {
		s.breach("%s has grown beyond %d records", p, maxRecords)
	}
	return first
}
