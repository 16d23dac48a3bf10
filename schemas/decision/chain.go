package decision

import "detour/schemas/chunk"

// Link tells the place of the tick in its chain.
func (w *Whole) Link() chunk.Link {
	return chunk.Link{Number: w.Tick.Number, Digest: w.Tick.Digest, Previous: w.Tick.Previous, Full: w.Tick.Snapshot}
}

// Chain reads the decisions partition the way every reader has to: of the ticks that are complete and true to their
// digest, it keeps those that chunk.Chain does. The zero value has kept nothing. Of a Chain and its copy only one
// may go on reading.
type Chain struct {
	ticks Assembler
	links chunk.Chain
}

// ChainFromTheMiddle returns the chain of a reader that does not begin where the log does.
func ChainFromTheMiddle() Chain { return Chain{links: chunk.ChainFromTheMiddle()} }

// Add takes the next chunk in log order. It returns the tick that the chunk completes if that is to be kept, and whether
// it follows the last one kept (chunk.Next) or makes void what was known before (chunk.Restart); nil and chunk.Stray
// otherwise. An error names chunks that do not fit their digest: reading goes on behind them.
func (c *Chain) Add(b *Batch) (*Whole, chunk.Relation, error) {
	w, err := c.ticks.Add(b)
	if err != nil || w == nil {
		return nil, chunk.Stray, err
	}
	relation := c.Keep(w)
	if relation == chunk.Stray {
		return nil, relation, nil
	}
	return w, relation, nil
}

// Keep offers a whole tick that came another way than by Add.
func (c *Chain) Keep(w *Whole) chunk.Relation {
	relation := c.links.Offer(w.Link())
	if relation != chunk.Stray {
		c.ticks.Skip(w.Pane)
	}
	return relation
}

// Last returns the place of the last tick kept; its Number is 0 before the first.
func (c *Chain) Last() chunk.Link { return c.links.Last() }

// Sure reports whether what is kept is what every other reader keeps: see chunk.Chain.
func (c *Chain) Sure() bool { return c.links.Sure() }
