package pathmap

import (
	"fmt"

	"detour/schemas"
)

// Chain reads the maps partition the way every reader has to: it keeps the first complete version, and from then on the
// first complete one that extends what it kept. The zero value keeps whichever version it meets first.
type Chain struct {
	chunks Assembler
	last   Manifest // Version 0 = none yet
}

// Add takes the next record in log order. It returns the version that the record completes, where that is the next one;
// nil where nothing is complete or a known version was written again. An error names what does not belong: reading goes
// on behind it.
func (c *Chain) Add(r *schemas.Record) (*Publication, error) {
	p, err := c.chunks.Add(r)
	if err != nil || p == nil {
		return nil, err
	}
	if c.last.Version > 0 && !p.Manifest.Extends(&c.last) {
		return nil, fmt.Errorf("version %d after %.16s does not extend version %d, which is %.16s",
			p.Manifest.Version, p.Manifest.Previous, c.last.Version, c.last.Digest)
	}
	c.last = p.Manifest
	c.chunks.Skip(p.Manifest.Version)
	return p, nil
}
