package decide

import "detour/schemas/decision"

// hold keeps a resolver where it is when latency asks for a move too soon after the last one. It does not keep users
// where they were only sent since the default path was down, nor where the evidence has gone.
func (j *judge) hold(r *resolver, d *decision.Decision, pane int64) {
	young := r.since != 0 && pane-r.since < int64(j.policy.Hold)*j.length
	if young && d.Path != r.path && d.Reason != decision.TooFew && r.reason != decision.DefaultDown {
		d.Path, d.Reason = r.path, decision.Held
	}
}
