package story

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"detour/internal/dataflow"
	"detour/schemas"
	"detour/schemas/chunk"
	"detour/schemas/control"
	"detour/schemas/decision"
)

var (
	// ErrNoTick says that nothing was decided yet.
	ErrNoTick = errors.New("there is no decision yet: \"detour decide\" has not completed a tick")
	// ErrGone says that the log no longer holds what a story takes.
	ErrGone = errors.New("the log no longer reaches back that far")
)

// firstLook is how many records are looked at first; each further look begins eight times as far back.
const firstLook = 64

// Reader reads stories from a log.
type Reader struct {
	Log     dataflow.Log
	Genesis string // hash: what was written for another is passed over
	Ticks   int    // how many to look back for changes, if the log holds them
}

// Now tells of a resolver as of the last tick.
func (r *Reader) Now(ctx context.Context, resolver netip.Addr) (*Story, error) {
	_, end, err := r.Log.Bounds(ctx, decisions)
	if err != nil {
		return nil, fmt.Errorf("bounds of %s: %w", decisions, err)
	}
	s, err := r.before(ctx, resolver, end)
	if err == nil && s == nil {
		err = ErrNoTick
	}
	return s, err
}

// At tells of a resolver as of the tick with a number and digest, which ends before an offset.
func (r *Reader) At(ctx context.Context, resolver netip.Addr, tick int64, digest string, offset int64) (*Story, error) {
	s, err := r.before(ctx, resolver, offset)
	if err == nil && (s == nil || s.At.Tick != tick || s.At.Digest != digest) {
		err = fmt.Errorf("tick %d: %w", tick, ErrGone)
	}
	return s, err
}

var decisions = schemas.Partition{Topic: schemas.Decisions}

// before tells what stands before end; nil if no whole state does. It looks further back until it is sure to keep what
// every reader keeps, and has seen the ticks that it is to look at.
func (r *Reader) before(ctx context.Context, resolver netip.Addr, end int64) (*Story, error) {
	start, _, err := r.Log.Bounds(ctx, decisions)
	if err != nil {
		return nil, fmt.Errorf("bounds of %s: %w", decisions, err)
	}
	for n := int64(firstLook); ; n *= 8 {
		from := max(start, end-n)
		l, sure, err := r.listen(ctx, resolver, from, end)
		switch {
		case err != nil:
			return nil, err
		case sure && l.ticks >= r.Ticks, from == start && l.ticks > 0:
			return l.tell(), nil
		case from == start:
			return nil, nil
		}
	}
}

func (r *Reader) listen(ctx context.Context, resolver netip.Addr, from, end int64) (l *listener, sure bool, err error) {
	l = listen(resolver)
	var chain decision.Chain
	if from > 0 {
		chain = decision.ChainFromTheMiddle()
	}
	for from < end {
		f, err := r.Log.Fetch(ctx, decisions, from)
		if err != nil {
			return nil, false, fmt.Errorf("read %s@%d: %w", decisions, from, err)
		}
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		for i := range f.Records {
			if rec := &f.Records[i]; rec.Offset < end {
				r.take(l, &chain, rec)
			}
		}
		from = f.Next
	}
	return l, chain.Sure(), nil
}

// take passes over what no reader keeps.
func (r *Reader) take(l *listener, chain *decision.Chain, rec *schemas.Record) {
	b, err := decision.Decode(rec.Value)
	if err != nil || b.Head.Genesis != r.Genesis {
		return
	}
	sure := chain.Sure()
	w, relation, err := chain.Add(b)
	switch {
	case err != nil || w == nil:
		return
	case relation == chunk.Restart && !sure: // what came before may be of no reader's chain
		*l = *listen(l.story.Resolver)
	case relation == chunk.Restart:
		clear(l.state)
	}
	l.add(w)
}

// Policies returns every policy that control holds, by hash.
func Policies(ctx context.Context, log dataflow.Log) (map[string]*control.Policy, error) {
	partition := schemas.Partition{Topic: schemas.Control}
	_, end, err := log.Bounds(ctx, partition)
	if err != nil {
		return nil, fmt.Errorf("bounds of %s: %w", partition, err)
	}
	records, err := dataflow.Range(ctx, log, partition, 0, end)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*control.Policy)
	for i := range records {
		if r, err := control.Decode(records[i].Value); err == nil && r.Policy != nil {
			all[r.Policy.Hash()] = r.Policy
		}
	}
	return all, nil
}
