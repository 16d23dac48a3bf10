// Package report is what a probe sends: the JSON of Netflix's Probnik client, one report for one run of a recipe on one
// device, in which every target was fetched a few times.
//
// Split cuts a record's value into reports, and Decode reads one. Both take bytes from strangers: they never panic, take
// time linear in their input and memory bounded by it, and one bad report costs none of its neighbours.
// report.schema.json beside this file describes the same format for other programs.
package report

// Limits of one report and of one record. What is beyond them is an error that wraps ErrTooMany.
const (
	MaxReports = 10_000 // in one record: each costs a decode, and a reject if it is bad
	MaxTargets = 64     // of one report: twice the largest path catalogue
	MaxPulses  = 1024   // of one target: the most that a genesis may allow
	MaxDepth   = 64     // of nested objects and arrays: a report needs five, the rest is for fields of others
)

// Report is one run of a recipe on one device.
type Report struct {
	Ctx  Ctx      `json:"ctx"`
	Type string   `json:"type,omitempty"` // of the recipe; not used
	Name string   `json:"name,omitempty"` // of the recipe; not used
	Data []Target `json:"data"`           // one a target, in the order in which they were measured
}

// Ctx says whose run it is. A device is not trusted: what a collector says in a record's headers goes first.
type Ctx struct {
	ID       string `json:"id,omitempty"`       // of the run; "" = unknown
	Resolver string `json:"resolver,omitempty"` // IP address of the recursive resolver, as text; "" = unknown
	ASN      uint32 `json:"asn,omitempty"`      // of the client; 0 = unknown. In JSON 64500, "64500" or "AS64500"
	Country  string `json:"country,omitempty"`  // of the client, ISO 3166-1 alpha-2; "" = unknown
	Client   string `json:"client,omitempty"`   // address or id of the client; "" = unknown
}

// Target is what a run measured over one path.
type Target struct {
	Name   string  `json:"name"`             // id of the path
	Target string  `json:"target,omitempty"` // URL that was fetched; not used
	Data   []Pulse `json:"data"`             // one a request, in order
}

// Pulse is one timed request. A nil field was absent or null; no value is judged here.
type Pulse struct {
	Start *float64 `json:"start,omitempty"` // ms on the page's own clock: no event time
	D     *float64 `json:"d,omitempty"`     // ms from start to the last byte
	SC    *int     `json:"sc,omitempty"`    // HTTP status; 0 = no answer
	Size  *float64 `json:"size,omitempty"`  // bytes
	TTFB  *float64 `json:"ttfb,omitempty"`  // ms to the first byte
	DNS   *float64 `json:"dns,omitempty"`   // ms
	TCP   *float64 `json:"tcp,omitempty"`   // ms; 0 = the connection was open already, nil = unknown
	TLS   *float64 `json:"tls,omitempty"`   // ms
	Via   string   `json:"via,omitempty"`   // what the server says it was reached through
}
