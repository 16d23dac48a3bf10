package decide

import (
	"fmt"

	"detour/schemas/control"
	"detour/schemas/decision"
)

// Explanation is a decision in words and numbers, for people.
type Explanation struct {
	Why       string // in one line: where the resolver is, and the reason
	Seen      []Seen // the numbers behind it, the most telling first
	Otherwise string // what would have changed it; "" where the numbers do not tell
	Until     int64  // ms: Otherwise holds from this pane on at the earliest; 0 = no such pane
}

// Seen is one thing that a decision looked at.
type Seen struct{ What, Found string }

// Lines returns the explanation as text, a line each.
func (e *Explanation) Lines() []string {
	lines := []string{e.Why}
	for _, s := range e.Seen {
		lines = append(lines, s.What+": "+s.Found)
	}
	if e.Otherwise != "" {
		lines = append(lines, "otherwise: "+e.Otherwise)
	}
	return lines
}

// Explainer puts decisions in words. All it says follows from the decision's own numbers and from the policy.
type Explainer struct {
	Paths  []string        // names of the catalogue
	Usual  uint8           // the default path
	Length int64           // of a pane, ms
	Policy *control.Policy // that decided; nil = unknown, then what takes it is left out
}

// Explain says why a resolver is on its path, what was seen, and what would have changed it.
func (e *Explainer) Explain(d *decision.Decision) Explanation {
	x := Explanation{Why: e.headline(d)}
	x.add("latency", e.latency(d))
	x.add("evidence", e.evidence(d))
	x.add("its group", e.group(d))
	x.add("decided", grain(d))
	x.add("harm", e.harm(d))
	x.add("worst off", e.worst(d))
	x.add("failures", e.failures(d))
	x.add("unrest", unrest(d))
	x.Otherwise, x.Until = e.otherwise(d)
	return x
}

func (x *Explanation) add(what, found string) {
	if found != "" {
		x.Seen = append(x.Seen, Seen{what, found})
	}
}

func (e *Explainer) name(path uint8) string {
	if int(path) < len(e.Paths) {
		return e.Paths[path]
	}
	return fmt.Sprintf("path %d", path)
}

// headline says where a resolver is, and its reason.
func (e *Explainer) headline(d *decision.Decision) string {
	return fmt.Sprintf("on %s: %s", e.name(d.Path), e.Reason(d))
}

// Reason says in a few words why a resolver is on its path.
func (e *Explainer) Reason(d *decision.Decision) string {
	on, other := e.name(d.Path), e.name(d.Candidate)
	switch d.Reason {
	case decision.NoEvidence:
		return "nothing was measured lately"
	case decision.TooFew:
		return fmt.Sprintf("only %s, too few to judge %s by", count(d.Runs, "paired run"), other)
	case decision.Uncertain:
		return fmt.Sprintf("%s may well be slower", other)
	case decision.NotFaster:
		return fmt.Sprintf("%s is not faster", other)
	case decision.CellHarmed:
		return fmt.Sprintf("%s is faster on the whole, but would make clients in %s slower", other, whom(d))
	case decision.CandidateDown:
		return other + down(d)
	case decision.AllDown:
		if d.Level > decision.Resolver {
			return "every path fails for many around it: their last mile does, and a move would not help"
		}
		return fmt.Sprintf("%s is down, and no other path is known to work", on)
	case decision.Faster:
		return "it is credibly faster"
	case decision.DefaultDown:
		return e.name(e.Usual) + ", the default," + down(d)
	case decision.Held:
		if d.Path == d.Candidate && d.Path != e.Usual {
			return fmt.Sprintf("less speaks for %s than what it takes to move there, but not so much less that it is left yet", on)
		}
		return "evidence asks for a move, but the last one was too recent for another"
	case decision.Operator:
		return "an operator said so"
	case decision.Damped:
		return fmt.Sprintf("%s is better, but the resolver moved to and fro too often lately", other)
	case decision.OverCapacity:
		return fmt.Sprintf("%s is faster, but full: others gain more from its capacity", other)
	case decision.OverBudget:
		return fmt.Sprintf("%s is faster, but the harm budget over all users is spent on larger gains", other)
	case decision.RegionDown:
		return "every path fails behind the last mile: the service's region is down, and a move would not help"
	case decision.GroupUnsure:
		return fmt.Sprintf("nothing was measured of it, and its group is too mixed to judge %s by", other)
	case decision.Silent:
		return "no run of it came lately, although they used to: its users may reach nothing at all"
	}
	return d.Reason.String()
}

// down says what is wrong with a path: who was moved by this very tick left it since it was down.
func down(d *decision.Decision) string {
	if d.Path != d.Previous {
		return " is down"
	}
	return " is down, or was and is not known to work again"
}

// Figures says in a few words what a decision was made from, for a list of many.
func (e *Explainer) Figures(d *decision.Decision) string {
	if d.Direct == 0 {
		return ""
	}
	s := fmt.Sprintf("%s, %s", faster(d.Ratio), count(d.Runs, "run"))
	if d.HarmLimit > 0 {
		s += ", harm " + percent(d.Harm)
	}
	return s
}
