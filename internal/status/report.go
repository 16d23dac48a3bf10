package status

import (
	"strconv"
	"time"
)

// Report is how the pipeline is. Its JSON is documented in docs/operations.md; fields are added, never renamed.
type Report struct {
	Time     Time      `json:"time"`
	Well     bool      `json:"well"`    // nothing is wrong, and everything could be learned
	Verdict  string    `json:"verdict"` // one line for a person
	Stages   []Stage   `json:"stages"`
	Waiting  Waiting   `json:"watermark"`
	Map      *Map      `json:"map"`
	Policy   string    `json:"policy"` // hash
	Probes   *Probes   `json:"probes"`
	Rejects  *Refused  `json:"rejects"`
	Findings []Finding `json:"findings"`
}

// Stage is one line of the table.
type Stage struct {
	Name    string   `json:"stage"`
	Members *int     `json:"members"` // of its group, those that stand by included; null = not learned, or it has no group
	Active  *int     `json:"active"`  // of these, those at work
	Hosts   []string `json:"hosts"`   // where they are
	At      string   `json:"at"`      // how far it came, for a person
	Reached Time     `json:"reached"` // how far it came, in event time
	Lag     *int64   `json:"lag"`
	Unit    string   `json:"lag_unit"` // of lag: records, panes, changes or versions
}

// Waiting is how far every source has come.
type Waiting struct {
	Time    Time  `json:"time"`    // the least of all partitions; null = not learned, or not every source was heard
	Sources []int `json:"sources"` // which panes wait for first
}

// Map is the last version.
type Map struct {
	Version    int64  `json:"version"`
	Digest     string `json:"digest"`
	Entries    int    `json:"entries"` // resolvers off the default path
	Created    Time   `json:"created"` // event time
	Expires    Time   `json:"expires"` // event time
	Incomplete bool   `json:"incomplete"`
}

// Probes is how many samples panes have.
type Probes struct {
	Last  int64 `json:"last"`  // median of the last panes
	Usual int64 `json:"usual"` // median of those before; 0 = too few to say
}

// Refused is what was refused within the last hour.
type Refused struct {
	Hour    int64            `json:"hour"`
	Reports int64            `json:"reports"` // records of the reports topic within it, refused ones included; -1 = not learned
	Looked  int64            `json:"looked"`  // how many of Hour the reasons are of
	Reasons map[string]int64 `json:"reasons"`
}

// Severities of a finding.
const (
	Wrong = "wrong" // the exit code says so, too
	Note  = "note"  // it works
)

// Finding is one thing that is wrong, or worth to know.
type Finding struct {
	ID       ID     `json:"id"`
	Severity string `json:"severity"`
	Stage    string `json:"stage"` // "" = none in particular
	What     string `json:"what"`  // how much, since when
	Since    Time   `json:"since"` // event time; null = not known
	Detour   string `json:"detour"`
	Do       string `json:"do"`
	Runbook  string `json:"runbook"` // the page and anchor of its entry
}

// Time is ms since the Unix epoch; 0 = none, in JSON null. Otherwise JSON has it as RFC 3339.
type Time int64

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	return []byte(strconv.Quote(time.UnixMilli(int64(t)).UTC().Format(time.RFC3339Nano))), nil
}
