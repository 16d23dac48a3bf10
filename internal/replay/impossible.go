package replay

import (
	"fmt"
	"strings"

	"detour/schemas"
)

// impossible says why there is no start, and which versions can be derived instead.
func (v *verification) impossible(target int64) error {
	what := "no version can be derived"
	if target > 0 {
		what = fmt.Sprintf("version %d can't be derived", target)
	}
	if starts := v.starts(); len(starts) > 0 {
		for i := range v.log.versions.all {
			if w := &v.log.versions.all[i]; w.tick > starts[0].number() {
				return fmt.Errorf("%s from %s: %w%s; versions from %d on can", what, v.found.From, ErrIncomplete, v.begins(), w.Number)
			}
		}
	}
	return fmt.Errorf("%s from %s: %w%s; the evidence of no snapshot of decisions that has a version before it and another one behind it is left",
		what, v.found.From, ErrIncomplete, v.begins())
}

// begins says, in words, where the topics begin that retention took something of.
func (v *verification) begins() string {
	var all strings.Builder
	for _, p := range append(v.input(), decisionsPartition, mapsPartition) {
		if at := v.log.start(p); at > 0 {
			fmt.Fprintf(&all, ", %s begins at offset %d%s", p, at, v.reaches(p))
		}
	}
	return all.String()
}

// reaches says, in words, from which pane on a samples partition holds everything.
func (v *verification) reaches(p schemas.Partition) string {
	if p.Topic != schemas.Samples {
		return ""
	}
	for _, s := range v.panes[p.Number].all {
		if s.resume >= v.log.start(p) {
			return fmt.Sprintf(" (with the panes from %s on)", moment(s.start+v.genesis.Pane))
		}
	}
	return ""
}
