package pathmap

import (
	"errors"
	"fmt"

	"detour/schemas"
	"detour/schemas/chunk"
)

// Chain reads the maps partition the way every reader has to: it keeps the versions that chunk.Chain keeps, a version
// being full by itself. The same digest is the same version: signature, positions and the program's version say where a
// copy of it comes from. The zero value keeps whichever version it meets first.
type Chain struct {
	chunks Assembler
	links  chunk.Chain
}

// ChainFromTheMiddle returns the chain of a reader that does not begin where the log does.
func ChainFromTheMiddle() *Chain { return &Chain{links: chunk.ChainFromTheMiddle()} }

// ErrStray is in an error of Chain.Add for a version that is whole, and that no reader keeps.
var ErrStray = errors.New("it is on no reader's chain")

// ChainFrom returns the chain of a reader that has kept last, and is sure of it.
func ChainFrom(last *Manifest) *Chain {
	c := &Chain{links: chunk.ChainFrom(last.link())}
	c.chunks.Skip(last.Version)
	return c
}

// Add takes the next record in log order. It returns the version that the record completes, where that is kept; nil
// where nothing is complete or a known version was written again. An error names what can't be read, or with ErrStray
// what is not kept: reading goes on behind it.
func (c *Chain) Add(r *schemas.Record) (*Publication, error) {
	p, err := c.chunks.Add(r)
	if err != nil || p == nil {
		return nil, err
	}
	last := c.links.Last()
	if c.links.Offer(p.Manifest.link()) == chunk.Stray {
		return nil, fmt.Errorf("version %d after %.16s does not extend version %d, which is %.16s: %w",
			p.Manifest.Version, p.Manifest.Previous, last.Number, last.Digest, ErrStray)
	}
	c.chunks.Skip(p.Manifest.Version)
	return p, nil
}

// Sure reports whether what is kept is what every other reader keeps: see chunk.Chain.
func (c *Chain) Sure() bool { return c.links.Sure() }

// link is the version's place in a chain: a map needs no predecessor to be understood.
func (m *Manifest) link() chunk.Link {
	return chunk.Link{Number: m.Version, Digest: m.Digest, Previous: m.Previous, Full: true}
}
