package evaluate

import (
	"detour/schemas/control"
	"detour/schemas/decision"
)

// Stated is what the policy says of a resolver's candidate path at a world's end, and what is true of it.
type Stated struct {
	Decision decision.Decision
	Harmed   float64 // share of the resolver's users whom the candidate slows
	Weight   float64 // share of all users
}

// Decided runs a policy alone and returns what it says, by resolver: of those that it has weighed a candidate for.
func Decided(w World, policy control.Policy) ([]Stated, error) {
	l := w.Layout()
	lastTick(&policy, l)
	p, err := newPipeline(l, &policy)
	if err != nil {
		return nil, err
	}
	for pane := range l.Panes {
		p.begin(pane)
		for r := range w.Runs(pane) {
			if err := p.add(r); err != nil {
				return nil, err
			}
		}
		if err := p.end(); err != nil {
			return nil, err
		}
	}
	truth := costsOf(w, l.Panes)
	var out []Stated
	for i := range l.Resolvers {
		s := Stated{Decision: *p.placed.of(i)}
		if s.Decision.Candidate == 0 {
			continue
		}
		harmed := 0.0
		for _, share := range l.Resolvers[i].Shares {
			s.Weight += share.Weight
			if slower(truth[share.Population][0].mixed, truth[share.Population][s.Decision.Candidate].mixed) {
				harmed += share.Weight
			}
		}
		s.Harmed = harmed / s.Weight
		out = append(out, s)
	}
	return out, nil
}
