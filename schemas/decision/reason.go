package decision

import (
	"fmt"
	"slices"
)

// Reason is why a resolver is on its path.
type Reason uint8

// Reasons. Their numbers are the record's.
const (
	NoEvidence    Reason = iota // nothing measured in the policy's window
	TooFew                      // fewer paired runs than the policy asks for
	Uncertain                   // the candidate may be slower: the confidence bound is above the limit
	NotFaster                   // the candidate's expected gain is not positive
	CellHarmed                  // the candidate is faster on the whole, but slower for one population
	CandidateDown               // the candidate path fails while the default path works
	AllDown                     // every path fails: the last mile; nothing is changed
	Faster                      // the candidate is credibly faster for everybody
	DefaultDown                 // the default path fails while the candidate works
	Held                        // evidence asks for a move that the minimum hold forbids for now
	Operator                    // an operator froze, pinned or rolled back
	Damped                      // an improvement is not followed for now, since the resolver flapped
	OverCapacity                // the candidate would be taken, but its ceiling is reached by larger gains
	OverBudget                  // the candidate would be taken, but the harm expected over all users would be above the budget
	RegionDown                  // every path fails behind the last mile: nothing is changed
	GroupUnsure                 // no evidence of its own, and the resolver's group is too mixed to answer for it
	Silent                      // no run of a resolver that had them: its users may reach nothing at all; nothing is changed
	Reasons       = iota
)

var reasons = [Reasons]string{
	"no_evidence", "too_few", "uncertain", "not_faster", "cell_harmed", "candidate_down", "all_down",
	"faster", "default_down", "held", "operator", "damped", "over_capacity", "over_budget", "region_down", "group_unsure", "silent",
}

func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return fmt.Sprintf("invalid(%d)", uint8(r))
}

// Level is the grain of the evidence that decided, from fine to coarse.
type Level uint8

// Levels of evidence.
const (
	None     Level = iota // no evidence
	Cell                  // client populations of the resolver, each on its own
	Resolver              // all clients of the resolver
	Prefix                // neighbours in the /24 or /48
	ASN                   // the resolver's autonomous system
	Country
	World
	Levels = iota
)

var levels = [Levels]string{"none", "cell", "resolver", "prefix", "asn", "country", "world"}

func (l Level) String() string {
	if int(l) < len(levels) {
		return levels[l]
	}
	return fmt.Sprintf("invalid(%d)", uint8(l))
}

// ParseReason reads what Reason.String writes.
func ParseReason(s string) (Reason, error) {
	i := slices.Index(reasons[:], s)
	if i < 0 {
		return 0, fmt.Errorf("no reason is %.40q", s)
	}
	return Reason(i), nil
}

// ParseLevel reads what Level.String writes.
func ParseLevel(s string) (Level, error) {
	i := slices.Index(levels[:], s)
	if i < 0 {
		return 0, fmt.Errorf("no level is %.40q", s)
	}
	return Level(i), nil
}
