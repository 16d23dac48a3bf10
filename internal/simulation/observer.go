package simulation

import (
	"fmt"

	"detour/schemas"
)

// observer is a reader that looks in now and then, from the beginning or from the middle of a log, and remembers what it
// took for complete. At the end all of it has to be what every reader keeps.
type observer struct {
	s      *simulation
	panes  map[string]bool // partition, pane and digest
	served map[version]bool
}

func newObserver(s *simulation) *observer {
	return &observer{s: s, panes: make(map[string]bool), served: make(map[version]bool)}
}

// stretch is how many records the observer reads at a time.
const stretch = 24

// look reads some windows of one partition, from some offset on, and asks what the fleet is offered.
func (o *observer) look() {
	for _, store := range o.s.stores {
		if v, ok := store.serves(); ok {
			o.served[v] = true
		}
	}
	p := schemas.Partition{Topic: schemas.Windows, Number: int32(o.s.rng.IntN(o.s.genesis.Samples))}
	records, err := all(o.s.log, p)
	if err != nil || len(records) == 0 {
		return
	}
	from := o.s.rng.IntN(len(records))
	for _, seen := range panesOf(records[from:min(len(records), from+stretch)]) {
		o.panes[paneKey(p.Number, seen)] = true
	}
}

func paneKey(partition int32, p pane) string {
	return fmt.Sprint(partition, " ", p.Start, " ", p.Digest)
}

// contradicts says what was seen that is not in the final content; "" if nothing was.
func (o *observer) contradicts(c *content) string {
	final := make(map[string]bool)
	for i, panes := range c.panes {
		for _, p := range panes {
			final[paneKey(int32(i), p)] = true
		}
	}
	for seen := range o.panes {
		if !final[seen] {
			return "a reader took a pane that is not the sealed one: " + seen
		}
	}
	kept := make(map[version]bool)
	for _, v := range c.versions {
		kept[v] = true
	}
	for v := range o.served {
		if !kept[v] {
			return fmt.Sprintf("the fleet was offered %+v, which is not in the chain", v)
		}
	}
	return ""
}
