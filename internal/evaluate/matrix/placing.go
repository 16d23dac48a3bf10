package matrix

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
)

// placing is what the first reading of a file finds: which region and edge each node would use, and which slices there
// are. Rows may come in any order, so that the nearest of the first slice is known only at the end.
type placing struct {
	nodes   *nodes
	slices  map[int]bool
	nearest map[int]*choice // by node
	self    map[int]bool    // nodes that the file gives a round trip to themselves
	rows    int64
}

// choice is the region and the edge that are nearest to a node.
type choice struct{ region, edge nearest }

// nearest is the node with the least round trip in the first slice that has any.
type nearest struct {
	known bool
	t     int
	ms    float64
	rank  int // among the regions, or edges
}

// better says whether n is to be preferred to old.
func (n nearest) better(old nearest) bool {
	if !old.known {
		return true
	}
	return cmp.Or(cmp.Compare(n.t, old.t), cmp.Compare(n.ms, old.ms), cmp.Compare(n.rank, old.rank)) < 0
}

// place reads a file for the first time.
func place(in io.Reader, n *nodes) (*placing, error) {
	r, err := newRows(in)
	if err != nil {
		return nil, err
	}
	p := &placing{nodes: n, slices: map[int]bool{}, nearest: map[int]*choice{}, self: map[int]bool{}}
	for {
		switch row, err := r.next(); {
		case errors.Is(err, io.EOF):
			return p, p.check()
		case err != nil:
			return nil, err
		default:
			if err := p.take(row); err != nil {
				return nil, fmt.Errorf("line %d: %w", r.line(), err)
			}
		}
	}
}

// take notes what a row says of a client's nearest nodes.
func (p *placing) take(r row) error {
	src, err := p.nodes.of(r.src)
	if err != nil {
		return err
	}
	dst, err := p.nodes.of(r.dst)
	if err != nil {
		return err
	}
	p.nodes.seen[src], p.nodes.seen[dst] = true, true
	p.rows++
	p.slices[r.t] = true
	if src == dst {
		p.self[src] = p.self[src] || r.ms > 0
	}
	if src < p.nodes.served || dst >= p.nodes.served || r.ms == 0 {
		return nil
	}
	c := p.nearest[src]
	if c == nil {
		c = &choice{}
		p.nearest[src] = c
	}
	for _, to := range []struct {
		list []int
		at   *nearest
	}{{p.nodes.region, &c.region}, {p.nodes.edge, &c.edge}} {
		if rank := slices.Index(to.list, dst); rank >= 0 {
			if n := (nearest{true, r.t, r.ms, rank}); n.better(*to.at) {
				*to.at = n
			}
		}
	}
	return nil
}

// check reports a file that nothing can be said about.
func (p *placing) check() error {
	if p.rows == 0 {
		return errors.New("there is no row below the header")
	}
	if err := p.nodes.missing(); err != nil {
		return err
	}
	if len(p.slices) < 2 {
		return errors.New("there is one time slice: decisions see only earlier ones, so it takes at least two")
	}
	for _, c := range p.nearest {
		if c.region.known && c.edge.known {
			return nil
		}
	}
	return fmt.Errorf("none of the %d nodes that are neither region nor edge has a row to a region and one to an edge: a client is a row's src, a region or edge its dst",
		len(p.nodes.names)-p.nodes.served)
}
