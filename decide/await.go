package decide

import "detour/schemas/decision"

// await keeps a resolver on the default path while nothing new was measured: evidence that merely grows older, or a
// policy that is another now, moves nobody off it.
func (j *judge) await(r *resolver, d *decision.Decision, pane int64) {
	if d.Path != j.usual && r.path == j.usual && !r.fresh(pane) {
		d.Path, d.Reason = r.path, decision.Held
	}
}
