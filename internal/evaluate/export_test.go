package evaluate

import (
	"detour/aggregate"
	"detour/schemas/window"
)

// Panes returns the panes that the decider is fed.
func Panes(w World) ([]*window.Pane, error) {
	l := w.Layout()
	g := genesisOf(l)
	m := aggregate.New(&g, 0, aggregate.FromScratch(0, 0))
	s := sampler{layout: l, genesis: g.Hash(), late: g.Lateness}
	var whole window.Assembler
	var panes []*window.Pane
	for pane := range l.Panes {
		s.begin(pane)
		for r := range w.Runs(pane) {
			if err := s.add(r); err != nil {
				return nil, err
			}
		}
		batches, err := s.end()
		if err != nil {
			return nil, err
		}
		out, err := m.Apply(batches, int64(pane+1))
		if err != nil {
			return nil, err
		}
		for i := range out {
			b, err := window.Decode(out[i].Value)
			if err != nil {
				return nil, err
			}
			p, err := whole.Add(b)
			if err != nil {
				return nil, err
			}
			if p != nil {
				panes = append(panes, p)
			}
		}
	}
	return panes, nil
}

// Genesis returns the settings of a world's log.
var Genesis = genesisOf
