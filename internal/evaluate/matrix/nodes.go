package matrix

import (
	"fmt"
	"slices"
	"strings"
)

// nodes are the names in a file: numbers stand for them, those of the regions first, then those of the edges that are no
// region, then clients in the order of their rows.
type nodes struct {
	names  []string
	number map[string]int
	region []int // their numbers, in the order that the user gave them in, which breaks ties
	edge   []int
	seen   []bool
	served int // nodes below this number are regions or edges
}

// maxNodes bounds what a file may name: each client gets a /24 of 10/8 for itself.
const maxNodes = 1 << 16

func newNodes(regions, edges []string) (*nodes, error) {
	n := &nodes{number: map[string]int{}}
	for _, list := range []struct {
		what  string
		names []string
		to    *[]int
	}{{"regions", regions, &n.region}, {"edges", edges, &n.edge}} {
		if len(list.names) == 0 {
			return nil, fmt.Errorf("%s: name at least one node", list.what)
		}
		for _, name := range list.names {
			if name == "" {
				return nil, fmt.Errorf("%s: one of the names in %q is empty", list.what, list.names)
			}
			i, err := n.of(name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", list.what, err)
			}
			if slices.Contains(*list.to, i) {
				return nil, fmt.Errorf("%s: %q is there twice", list.what, name)
			}
			*list.to = append(*list.to, i)
		}
	}
	n.served = len(n.names)
	return n, nil
}

// of returns the number of a name, a new one where it has none.
func (n *nodes) of(name string) (int, error) {
	if i, ok := n.number[name]; ok {
		return i, nil
	}
	i := len(n.names)
	if i == maxNodes {
		return 0, fmt.Errorf("%q is one node more than %d", shortened(name), maxNodes)
	}
	name = strings.Clone(name) // it may be part of a row
	n.names, n.seen = append(n.names, name), append(n.seen, false)
	n.number[name] = i
	return i, nil
}

// missing reports a region or edge that the file doesn't name: its figures would be about other nodes.
func (n *nodes) missing() error {
	for _, list := range []struct {
		what string
		of   []int
	}{{"regions", n.region}, {"edges", n.edge}} {
		for _, i := range list.of {
			if !n.seen[i] {
				return fmt.Errorf("%s: no row names %q%s", list.what, n.names[i], n.like(n.names[i]))
			}
		}
	}
	return nil
}

// like returns a hint to the node that was probably meant.
func (n *nodes) like(name string) string {
	fold := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }
	for i, other := range n.names {
		if n.seen[i] && fold(other) == fold(name) {
			return fmt.Sprintf("; there is %q", other)
		}
	}
	return ""
}
