package decision

import "fmt"

// Reason is why a resolver is on its path.
type Reason uint8

// Reasons. The first group keeps or brings a resolver on the default path, the second off it.
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
	Reasons       = iota
)

var reasons = [Reasons]string{
	"no_evidence", "too_few", "uncertain", "not_faster", "cell_harmed", "candidate_down", "all_down",
	"faster", "default_down", "held", "operator",
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
