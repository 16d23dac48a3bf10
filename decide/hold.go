package decide

import (
	"detour/schemas/control"
	"detour/schemas/decision"
)

// stability keeps what latency asks for from moving users back and forth: minimum hold, dead band, flap damping. It slows
// down improvements; whoever is worse off on a candidate than on the default path goes back at once.
type stability struct {
	usual  uint8
	length int64 // of a pane, ms
	hold   int64 // panes
	band   control.DeadBand
	damping
}

func newStability(p *control.Policy, usual uint8, length int64) stability {
	return stability{usual: usual, length: length, hold: int64(p.Hold), band: p.DeadBand, damping: newDamping(&p.Damping)}
}

// stay is where a resolver's users are, as its last decision says.
type stay struct {
	path    uint8
	reason  decision.Reason
	since   int64  // ms; 0 = it was never moved
	penalty uint32 // just after the move there
}

// panes returns how long the stay has lasted.
func (s *stability) panes(at *stay, pane int64) int64 { return (pane - at.since) / s.length }

// young reports whether the minimum hold forbids improvements.
func (s *stability) young(at *stay, pane int64) bool {
	return at.since != 0 && s.panes(at, pane) < s.hold
}

// latency returns what becomes of a stay by latency alone. best is the candidate with the most to say for it, here the
// path that the resolver is on, weighed like any candidate; on the default path it is not looked at. Of both it reads
// Candidate, Reason (Faster = it may be taken), Gain, Direct, Harm and HarmLimit.
func (s *stability) latency(at *stay, pane int64, best, here *decision.Decision) decision.Decision {
	if at.path == s.usual {
		return s.improve(at, pane, best, s.usual)
	}
	d, stays := s.remain(at, pane, here)
	if stays && (best.Candidate == at.path || !s.outdoes(best, here)) {
		return d
	}
	if stays {
		return s.improve(at, pane, best, at.path)
	}
	if best.Candidate == at.path { // it would be taken anew, but for the dead band
		d.Path = s.usual
		return d
	}
	return s.improve(at, pane, best, s.usual)
}

// improve returns the decision to move to the best candidate, or else why the users are on path instead.
func (s *stability) improve(at *stay, pane int64, best *decision.Decision, path uint8) decision.Decision {
	d := *best
	d.Path = path
	if d.Reason != decision.Faster {
		return d
	}
	switch {
	case !enough(best.Gain, best.Direct, s.band.EnterPPM):
		d.Reason = decision.NotFaster
	case s.young(at, pane):
		d.Reason = decision.Held
	case s.suppressed(at.penalty, s.panes(at, pane)):
		d.Reason = decision.Damped
	default:
		d.Path = best.Candidate
	}
	return d
}

// remain reports whether a resolver may stay on its candidate path, and the decision to do so or why not. Who came there
// since the default path was down has no claim to the place: it takes what going there takes.
func (s *stability) remain(at *stay, pane int64, here *decision.Decision) (d decision.Decision, stays bool) {
	d = *here
	d.Path = at.path
	if at.reason == decision.DefaultDown {
		if d.Reason == decision.Faster && !enough(d.Gain, d.Direct, s.band.EnterPPM) {
			d.Reason = decision.NotFaster
		}
		return d, d.Reason == decision.Faster
	}
	if !s.harmless(here) {
		return d, false
	}
	gains := int64(here.Gain)*1_000_000 > int64(here.Direct)*int64(s.band.LeavePPM)
	switch {
	case here.Reason == decision.Faster && gains:
	case gains || s.young(at, pane):
		d.Reason = decision.Held
	case d.Reason == decision.Faster:
		d.Reason = decision.NotFaster
		return d, false
	default:
		return d, false
	}
	return d, true
}

// harmless reports whether a candidate is known, and known to harm no more than who is on it has to bear.
func (s *stability) harmless(d *decision.Decision) bool {
	switch d.Reason {
	case decision.Faster, decision.NotFaster:
		return d.HarmLimit == 0 || d.Harm <= max(d.HarmLimit, uint32(s.band.HarmPPM))
	case decision.Uncertain, decision.CellHarmed:
		return d.HarmLimit > 0 && d.Harm <= max(d.HarmLimit, uint32(s.band.HarmPPM))
	}
	return false
}

// outdoes reports whether a candidate gains so much more than another that it is worth a move.
func (s *stability) outdoes(best, here *decision.Decision) bool {
	return best.Reason == decision.Faster && enough(best.Gain-here.Gain, best.Direct, s.band.EnterPPM)
}

// enough reports whether a gain is above zero and at least that share of the latency on the default path.
func enough(gain int32, direct uint32, ppm int) bool {
	return gain > 0 && int64(gain)*1_000_000 >= int64(direct)*int64(ppm)
}

// settle makes d the decision of a resolver that was at a stay: from when it is on its path, and its penalty.
func (s *stability) settle(at *stay, pane int64, d *decision.Decision) {
	d.Previous, d.Since, d.Penalty = at.path, at.since, at.penalty
	if d.Path != at.path {
		improved := d.Path != s.usual && wanted(d.Reason)
		d.Since, d.Penalty = pane, s.charge(at.penalty, s.panes(at, pane), improved)
	}
}

// wanted reports whether it is latency that keeps users off the default path: where their first choice has no room for
// them, they may be on their second.
func wanted(r decision.Reason) bool {
	return r == decision.Faster || r == decision.OverCapacity || r == decision.OverBudget
}
