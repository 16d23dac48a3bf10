package control

import (
	"fmt"
	"maps"
	"slices"
)

// DeadBand keeps a resolver whose candidate is near a limit from moving back and forth: what it takes to go is more than
// what it takes to stay.
type DeadBand struct {
	EnterPPM int `json:"enter_ppm" yaml:"enter_ppm"` // gain from which a resolver moves to a candidate, ppm of its latency on the default path
	LeavePPM int `json:"leave_ppm" yaml:"leave_ppm"` // gain down to which it stays there, ppm of the same
	HarmPPM  int `json:"harm_ppm" yaml:"harm_ppm"`   // harm up to which it stays there, ppm of its clients; a limit that lies above counts instead

	MarginPPM int `json:"margin_ppm" yaml:"margin_ppm"` // how much more one has to gain, ppm, to displace one that is on a full path
	SparePPM  int `json:"spare_ppm" yaml:"spare_ppm"`   // of a ceiling or budget, ppm: kept for those that are on the path already
}

// Damping makes moves to a better path rarer for a resolver that moves often, after RFC 2439: each adds a penalty, which
// decays by half in a half-life; from the suppress threshold on there are no more of them until it is below the reuse
// threshold. A penalty of 0 turns damping off.
type Damping struct {
	Penalty  int `json:"penalty" yaml:"penalty"`                 // of one move, in points
	Suppress int `json:"suppress" yaml:"suppress"`               // points from which there are no more
	Reuse    int `json:"reuse" yaml:"reuse"`                     // points below which there are again
	HalfLife int `json:"half_life_panes" yaml:"half_life_panes"` // of the penalty
	Longest  int `json:"longest_panes" yaml:"longest_panes"`     // that moves stay suppressed after the last change of path
}

// Capacity is the share of all users, in ppm of the weight of evidence, that may be sent over a path, by its id. A path
// that is not named has no ceiling.
type Capacity map[string]int

// check names the first ceiling that cannot be.
func (c Capacity) check() error {
	for _, id := range slices.Sorted(maps.Keys(c)) {
		if c[id] < 0 || c[id] > 1_000_000 {
			return fmt.Errorf("capacity.%s is %d, it has to be 0 to 1000000", id, c[id])
		}
	}
	return nil
}

// Fits names what the policy says of paths that the genesis does not have, or of the default one, which has to take
// everybody.
func (p *Policy) Fits(g *Genesis) error {
	paths := g.PathIDs()
	for _, id := range slices.Sorted(maps.Keys(p.Capacity)) {
		switch {
		case !slices.Contains(paths, id):
			return fmt.Errorf("capacity.%s: there is no such path, only %v", id, paths)
		case id == paths[g.DefaultPath()]:
			return fmt.Errorf("capacity.%s: the default path has to take everybody", id)
		}
	}
	return nil
}
