// Package backtest says what another policy would have done: it runs the real decider over recorded windows twice, under
// control as it was recorded and under the new policy, and compares where users were sent pane by pane.
//
// It reads the log alone, appends nothing, and takes no clock: the result is a function of the log and the policy. Both
// deciders begin without a state, a warm-up before the first pane that counts. Memory holds a pane and both deciders.
package backtest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"detour/internal/dataflow"
	"detour/schemas/control"
)

// Backtest is a question.
type Backtest struct {
	Log     dataflow.Log
	Genesis control.Genesis
	Policy  control.Policy
	// Since is the first pane that counts, ms; 0 = the first that both deciders have had evidence of the recorded policy's
	// window for, or of all there is where the log still holds its beginning.
	Since int64
	// Progress, if set, is told how many records of windows were read, of how many.
	Progress func(done, total int64)
}

// ErrNothing says that the log holds no pane to compare.
var ErrNothing = errors.New("the log holds no windows of that time")

// Run compares the policies over the log as it is now.
func (b *Backtest) Run(ctx context.Context) (*Result, error) {
	in, err := open(ctx, b.Log, &b.Genesis)
	if err != nil {
		return nil, err
	}
	inForce, err := in.policy(b.Since)
	if err != nil {
		return nil, err
	}
	warm := int64(max(inForce.Window, b.Policy.Window)) * b.Genesis.Pane
	if err := in.seek(ctx, b.Since-warm); err != nil {
		return nil, err
	}
	before, after, err := b.sides(in)
	if err != nil {
		return nil, err
	}
	c := newComparison(&b.Genesis, before, after)
	for {
		moved, err := b.pane(ctx, in, c, warm)
		if err != nil {
			return nil, err
		}
		if b.Progress != nil {
			b.Progress(in.read())
		}
		if !moved {
			break
		}
	}
	switch {
	case c.panes == 0 && c.from > 0:
		return nil, fmt.Errorf("%w behind a warm-up of %d panes: name a time to begin at, to count all the same", ErrNothing, warm/b.Genesis.Pane)
	case c.panes == 0:
		return nil, ErrNothing
	}
	r := c.result(inForce, &b.Policy)
	r.Partial = in.cut && r.WarmUp*b.Genesis.Pane < warm
	return r, nil
}

// sides returns the decider as it was, and the one under the new policy.
func (b *Backtest) sides(in *input) (before, after *side, err error) {
	control, err := in.under(&b.Policy)
	if err != nil {
		return nil, nil, err
	}
	all := func(int64) int64 { return math.MaxInt64 }
	return in.side(in.recorded, in.limit, false), in.side(control, all, true), nil
}

// pane lets both deciders take one more pane; false at the log's end.
func (b *Backtest) pane(ctx context.Context, in *input, c *comparison, warm int64) (bool, error) {
	first, err := c.before.tick(ctx, in)
	if err != nil || first == nil {
		return false, err
	}
	second, err := c.after.tick(ctx, in)
	if err != nil || second == nil {
		return false, err
	}
	if first.Pane != second.Pane {
		return false, fmt.Errorf("compare: the deciders reached the panes %d and %d", first.Pane, second.Pane)
	}
	if b.Since == 0 && c.from == 0 && in.cut {
		c.from = first.Pane + warm
	}
	c.take(first, second, in.taken(first.Pane), max(b.Since, c.from))
	return true, nil
}
