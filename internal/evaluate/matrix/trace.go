package matrix

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
)

// Client is a node that is neither region nor edge, and has rows to one of each.
type Client struct {
	Name         string
	Region, Edge string // the nearest by round trip in the first slice that has any
	pair         int    // of its edge and region, in trace.pairs
	rank         int    // of its region, as the user gave them
	node         int
}

// trace is what the clients' paths are composed of, slice by slice. Round trips are in ms, 0 where there is none.
type trace struct {
	clients []Client // by name
	leftOut int      // nodes of which region or edge are unknown
	pairs   []pair   // an edge and a region that clients use together
	slices  []int    // indices of the slices that have rows, ascending
	direct  [][]float64
	edge    [][]float64 // both by slice, then client
	middle  [][]float64 // by slice, then pair
}

// pair is an edge and a region, by their numbers.
type pair struct{ edge, region int }

// maxValues bounds what a trace holds: 1 GB.
const maxValues = 1 << 27

// newTrace makes room for what the second reading keeps: three legs of each client.
func newTrace(p *placing) (*trace, error) {
	tr := &trace{}
	for t := range p.slices {
		tr.slices = append(tr.slices, t)
	}
	slices.Sort(tr.slices)
	if err := tr.spanned(); err != nil {
		return nil, err
	}
	tr.place(p)
	if values := len(tr.slices) * (2*len(tr.clients) + len(tr.pairs)); values > maxValues {
		return nil, fmt.Errorf("%d clients in %d slices are too much to hold: cut the file", len(tr.clients), len(tr.slices))
	}
	tr.direct, tr.edge = table(len(tr.slices), len(tr.clients)), table(len(tr.slices), len(tr.clients))
	tr.middle = table(len(tr.slices), len(tr.pairs))
	for i, key := range tr.pairs {
		if key.edge == key.region && !p.self[key.edge] { // within a node there is no way to go
			for s := range tr.middle {
				tr.middle[s][i] = nowhere
			}
		}
	}
	return tr, nil
}

// place lists the clients and the pairs that they use, whatever the order of the rows.
func (tr *trace) place(p *placing) {
	key := func(node int) pair {
		c := p.nearest[node]
		return pair{edge: p.nodes.edge[c.edge.rank], region: p.nodes.region[c.region.rank]}
	}
	for node := p.nodes.served; node < len(p.nodes.names); node++ {
		if c := p.nearest[node]; c == nil || !c.region.known || !c.edge.known {
			tr.leftOut++
			continue
		}
		k := key(node)
		tr.pairs = append(tr.pairs, k)
		tr.clients = append(tr.clients, Client{
			Name: p.nodes.names[node], Region: p.nodes.names[k.region], Edge: p.nodes.names[k.edge],
			rank: p.nearest[node].region.rank, node: node,
		})
	}
	slices.SortFunc(tr.clients, func(a, b Client) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(tr.pairs, comparePairs)
	tr.pairs = slices.Compact(tr.pairs)
	for i := range tr.clients {
		c := &tr.clients[i]
		c.pair, _ = slices.BinarySearchFunc(tr.pairs, key(c.node), comparePairs)
	}
}

func comparePairs(a, b pair) int {
	return cmp.Or(cmp.Compare(a.region, b.region), cmp.Compare(a.edge, b.edge))
}

// nowhere is a round trip between an edge and the region that it is in, where the file doesn't give one: under any that
// can be measured, and yet one.
const nowhere = 1e-9

func table(rows, columns int) [][]float64 {
	t := make([][]float64, rows)
	all := make([]float64, rows*columns)
	for i := range t {
		t[i], all = all[:columns:columns], all[columns:]
	}
	return t
}

// leg is where a directed pair of nodes is kept.
type leg struct {
	of [][]float64
	at int
}

// fill reads the file for the second time.
func (tr *trace) fill(in io.Reader, p *placing) error {
	legs := tr.legs(p)
	r, err := newRows(in)
	if err != nil {
		return err
	}
	for {
		row, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if row.ms == 0 {
			continue
		}
		src, ok := p.nodes.number[row.src]
		dst, known := p.nodes.number[row.dst]
		if !ok || !known {
			return fmt.Errorf("line %d: the file changed while it was read", r.line())
		}
		l, ok := legs[[2]int{src, dst}]
		if !ok {
			continue
		}
		s := sort.SearchInts(tr.slices, row.t)
		if s == len(tr.slices) || tr.slices[s] != row.t {
			return fmt.Errorf("line %d: the file changed while it was read", r.line())
		}
		value := &l.of[s][l.at]
		if *value != 0 && *value != row.ms && *value != nowhere {
			return fmt.Errorf("line %d: slice %d has %q to %q twice, with %g ms and %g ms", r.line(), row.t, row.src, row.dst, *value, row.ms)
		}
		*value = row.ms
	}
}

// legs returns where what is kept of each slice belongs, by directed pair of nodes.
func (tr *trace) legs(p *placing) map[[2]int]leg {
	legs := make(map[[2]int]leg, 2*len(tr.clients)+len(tr.pairs))
	for i, c := range tr.clients {
		key := tr.pairs[c.pair]
		if key.edge == key.region { // one leg is both: see apart
			legs[[2]int{c.node, key.edge}] = leg{tr.edge, i}
			continue
		}
		legs[[2]int{c.node, key.region}] = leg{tr.direct, i}
		legs[[2]int{c.node, key.edge}] = leg{tr.edge, i}
	}
	for i, key := range tr.pairs {
		legs[[2]int{key.edge, key.region}] = leg{tr.middle, i}
	}
	return legs
}
