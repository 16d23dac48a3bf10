package decision

import (
	"fmt"

	"detour/schemas/chunk"
)

// Whole is one complete tick.
type Whole struct {
	Pane      int64 // start of the pane that it reached, ms
	Tick      Tick
	Decisions []Decision
}

// Assembler puts the ticks of the decisions partition together from its records, in log order.
type Assembler struct{ chunks chunk.Assembler[*Batch] }

// Add takes the next chunk. It returns the tick that the chunk completes, or nil. Chunks that do not fit the tick's own
// digest are an error and no attempt: reading goes on behind them. Whether the tick is to be kept is for the caller to
// say, who calls Skip with the pane of the one that it keeps: until then, another attempt at the same pane may still be
// the one. See Chain.
func (a *Assembler) Add(b *Batch) (*Whole, error) {
	parts := a.chunks.Offer(b.Head.Chunk, b)
	if parts == nil {
		return nil, nil
	}
	w := &Whole{Pane: b.Head.Chunk.Whole, Tick: *b.Head.Tick}
	for _, part := range parts {
		w.Decisions = append(w.Decisions, part.Decisions...)
	}
	if got := Digest(w.Tick.Previous, w.Pane, w.Tick.Policy, w.Decisions); got != w.Tick.Digest {
		return nil, fmt.Errorf("tick %d: digest is %s, it says %s", w.Tick.Number, got, w.Tick.Digest)
	}
	return w, nil
}

// Skip drops every tick up to and including the one that reached pane.
func (a *Assembler) Skip(pane int64) { a.chunks.Skip(pane) }
