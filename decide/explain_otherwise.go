package decide

import (
	"fmt"

	"detour/schemas/decision"
)

// otherwise says what would have changed a decision, and the pane from which on that holds at the earliest, 0 = at once.
// It says nothing where that does not follow from the numbers.
func (e *Explainer) otherwise(d *decision.Decision) (what string, until int64) {
	if e.Policy == nil {
		return "", 0
	}
	rule := &e.Policy.Reachability
	switch d.Reason {
	case decision.NoEvidence:
		what = fmt.Sprintf("%s with a pair would be judged", count(uint32(e.Policy.Latency.MinRuns), "run"))
	case decision.TooFew, decision.GroupUnsure:
		what = e.moreRuns(d)
	case decision.NotFaster:
		what = e.turnedOut(d)
	case decision.Uncertain, decision.CellHarmed:
		what = e.lessHarm(d)
	case decision.Faster:
		what = e.moreHarm(d)
	case decision.CandidateDown:
		what, until = e.works(d, d.Candidate)
	case decision.DefaultDown:
		what, until = e.works(d, e.Usual)
	case decision.AllDown:
		what = fmt.Sprintf("a path on which with %s probability less than %s of the requests fail", percent(uint32(rule.ConfidencePPM)), percent(uint32(rule.UpPPM)))
	case decision.RegionDown:
		what = "nothing here: all paths lead to the same region, which has to answer again"
	case decision.Silent:
		what = "any run of its clients"
	case decision.Held:
		if d.Path == d.Candidate && d.Path != e.Usual {
			what = e.moreHarm(d)
		} else if d.Since != 0 {
			until = d.Since + int64(e.Policy.Hold)*e.Length
			what = fmt.Sprintf("the hold of %s would be over", count(uint32(e.Policy.Hold), "pane"))
		}
	case decision.Damped:
		of := newDamping(&e.Policy.Damping)
		until = d.Since + of.lasts(d.Penalty)*e.Length
		what = fmt.Sprintf("its flap penalty would be below %d", e.Policy.Damping.Reuse)
	case decision.OverCapacity:
		what = fmt.Sprintf("a higher ceiling for %s, or a larger gain than that of those ahead of it", e.name(d.Candidate))
	case decision.OverBudget:
		what = "a larger budget, less harm, or a larger gain than that of those ahead of it"
	}
	return what, until
}

// works says what it takes to use a path again that was down, and from when on it can be enough.
func (e *Explainer) works(d *decision.Decision, path uint8) (what string, until int64) {
	rule := &e.Policy.Reachability
	if d.Since != 0 && d.Failovers > 0 {
		until = d.Since + (&judge{policy: *e.Policy, length: e.Length}).wait(d.Failovers)
	}
	return fmt.Sprintf("%s would count as working with %s probability that less than %s of its requests fail, by those of the last %s",
		e.name(path), percent(uint32(rule.ConfidencePPM)), percent(uint32(rule.UpPPM)), count(uint32(rule.Recover), "pane")), until
}

// moreRuns says how many runs are missing of what the policy asks a resolver for.
func (e *Explainer) moreRuns(d *decision.Decision) string {
	asked := uint32(e.Policy.Latency.MinRuns)
	if d.Runs < asked {
		return fmt.Sprintf("%s of its own would be judged: %d more", count(asked, "paired run"), asked-d.Runs)
	}
	return fmt.Sprintf("%s of its own on each kind of connection that the policy's mix asks for would be judged", count(asked, "paired run"))
}

// turnedOut says whether a candidate that is not faster may still be.
func (e *Explainer) turnedOut(d *decision.Decision) string {
	switch enter := uint32(e.Policy.DeadBand.EnterPPM); {
	case d.Gain > 0:
		return fmt.Sprintf("a gain of %s of the time on %s would do", percent(enter), e.name(e.Usual))
	case d.RatioLower > 0:
		return fmt.Sprintf("nothing but a faster %s: it is credibly slower", e.name(d.Candidate))
	case d.RatioLower < 0:
		return fmt.Sprintf("more runs may still show that %s is faster: it may be %s", e.name(d.Candidate), faster(d.RatioLower))
	}
	return ""
}

// lessHarm says what would bring a candidate's harm under its limit.
func (e *Explainer) lessHarm(d *decision.Decision) string {
	if d.HarmLimit == 0 || d.Harm <= d.HarmLimit {
		return ""
	}
	above := fmt.Sprintf("harm %s is above the limit of %s: ", percent(d.Harm), percent(d.HarmLimit))
	b := e.belief(d)
	switch {
	case b == nil:
		return ""
	case d.Cells > 1 && octaves(d.WorstRatio) >= b.slow:
		return above + fmt.Sprintf("no number of runs like these would do, as long as clients in %s are %s", whom(d), faster(d.WorstRatio))
	}
	ratio := fmt.Sprintf("%s, on evidence as good as this", faster(fixed(b.atMost(d.HarmLimit, e.Policy.DeadBand.EnterPPM))))
	if runs, enough := b.runs(d); enough {
		return above + fmt.Sprintf("about %s like these would do, or a ratio of %s", count(runs, "more run"), ratio)
	}
	return above + fmt.Sprintf("more runs like these would not do, but a ratio of %s would", ratio)
}

// moreHarm says what would take the candidate away again: the dead band lets it stay beyond what it took to go there.
func (e *Explainer) moreHarm(d *decision.Decision) string {
	b := e.belief(d)
	if b == nil || d.HarmLimit == 0 {
		return ""
	}
	limit := max(d.HarmLimit, uint32(e.Policy.DeadBand.HarmPPM))
	return fmt.Sprintf("with a harm above %s, or no gain, it would be left: on evidence as good as this, at less than %s",
		percent(limit), faster(fixed(b.atMost(limit, e.Policy.DeadBand.LeavePPM))))
}
