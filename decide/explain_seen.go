package decide

import (
	"fmt"

	"detour/schemas"
	"detour/schemas/decision"
)

// latency tells how the candidate compares, and what is gained.
func (e *Explainer) latency(d *decision.Decision) string {
	if d.Direct == 0 {
		return ""
	}
	s := fmt.Sprintf("%s was %s", e.name(d.Candidate), faster(d.Ratio))
	switch {
	case d.RatioLower != 0:
		s += fmt.Sprintf(" (between %s and %s)", faster(d.RatioLower), faster(d.RatioUpper))
	case d.RatioUpper != 0:
		s += fmt.Sprintf(" (at worst %s)", faster(d.RatioUpper))
	}
	if d.Gain < 0 {
		return s + fmt.Sprintf(": %s of %s are lost", millis(-d.Gain), millis(int32(d.Direct)))
	}
	return s + fmt.Sprintf(": %s of %s are gained", millis(d.Gain), millis(int32(d.Direct)))
}

// evidence tells how much there was of its own.
func (e *Explainer) evidence(d *decision.Decision) string {
	if d.Runs == 0 && d.GroupRuns == 0 {
		return ""
	}
	s := "no paired run of its own"
	if d.Runs > 0 {
		s = fmt.Sprintf("%s of %s", count(d.Runs, "paired run"), count(uint32(d.Cells), "client population"))
	}
	if d.OwnRuns > 0 {
		s += fmt.Sprintf(", which weigh %s by their age and say %s", weighed(d.OwnRuns), faster(d.OwnRatio))
	}
	return s
}

// group tells what the resolver's group says.
func (e *Explainer) group(d *decision.Decision) string {
	if d.GroupRuns == 0 {
		return ""
	}
	return fmt.Sprintf("says %s, and weighs as much as %s runs of its own", faster(d.GroupRatio), weighed(d.GroupRuns))
}

// grain puts the level of evidence in words.
func grain(d *decision.Decision) string {
	switch d.Level {
	case decision.None:
		return ""
	case decision.Cell:
		return "for each of its client populations"
	case decision.Resolver:
		return "by all its clients together"
	case decision.Prefix:
		return "with its neighbours in " + schemas.PrefixOf(d.Resolver).String()
	case decision.ASN:
		return "with clients of the same network and country"
	case decision.Country:
		return "with clients of the same country"
	case decision.World:
		return "with clients everywhere"
	}
	return "at level " + d.Level.String()
}

// harm tells the share of clients that the candidate is expected to slow.
func (e *Explainer) harm(d *decision.Decision) string {
	if d.HarmLimit == 0 {
		return ""
	}
	whom := "slower"
	if e.Policy != nil {
		whom = fmt.Sprintf("slower by more than %s and %s", percent(uint32(e.Policy.Harm.RatioPPM)), millis(int32(e.Policy.Harm.Micros)))
	}
	return fmt.Sprintf("%s of its clients are expected to be %s; the limit is %s", percent(d.Harm), whom, percent(d.HarmLimit))
}

// worst names the population that fares worst, where there are several.
func (e *Explainer) worst(d *decision.Decision) string {
	if d.Direct == 0 || d.Cells < 2 {
		return ""
	}
	return fmt.Sprintf("clients in %s: %s", whom(d), faster(d.WorstRatio))
}

// failures tells how both paths answered.
func (e *Explainer) failures(d *decision.Decision) string {
	if d.DefaultTries+d.CandidateTries == 0 {
		return ""
	}
	s := fmt.Sprintf("%d of %d requests on %s", d.DefaultFailures, d.DefaultTries, e.name(e.Usual))
	if d.Candidate != e.Usual {
		s += fmt.Sprintf(", %d of %d on %s", d.CandidateFailures, d.CandidateTries, e.name(d.Candidate))
	}
	return s
}

// unrest tells what the resolver's earlier moves hold against another.
func unrest(d *decision.Decision) string {
	switch {
	case d.Penalty > 0 && d.Failovers > 0:
		return fmt.Sprintf("a flap penalty of %d at its last move; %s off a failing path in close succession", d.Penalty, count(d.Failovers, "move"))
	case d.Penalty > 0:
		return fmt.Sprintf("a flap penalty of %d at its last move", d.Penalty)
	case d.Failovers > 0:
		return fmt.Sprintf("%s off a failing path in close succession", count(d.Failovers, "move"))
	}
	return ""
}
