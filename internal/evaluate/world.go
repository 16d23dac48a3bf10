package evaluate

import (
	"iter"
	"net/netip"

	"detour/schemas/sample"
)

// World is an Internet that knows the truth about itself, and what its clients measured of it. It is asked by one
// goroutine.
type World interface {
	// Layout returns what does not change. The caller may not change it.
	Layout() *Layout
	// Runs yields what was measured in a pane, 0 <= pane < Layout.Panes, in a fixed order. It is asked once for each pane,
	// ascending; a run is of no use behind its turn.
	Runs(pane int) iter.Seq[*Run]
	// Truth returns what is true in a pane, 0 <= pane <= Layout.Panes, for the clients of a population that are sent over a
	// path: the pane behind the last one is the moment at which all was measured.
	Truth(population, path, pane int) Truth
}

// Layout is what of a world does not change.
type Layout struct {
	Start     int64      // of the first pane, ms since the Unix epoch: a multiple of Pane
	Pane      int64      // length, ms, as the decider is told: 1,000 to 3,600,000
	Panes     int        // with runs
	PerDay    float64    // panes in a day; 0 = as many as Pane says. Differs where a pane stands for a longer slice
	Paths     []string   // the catalogue: the first is the default, direct; the others are proxies
	Resolvers []Resolver // ascending by address, their weights adding up to 1

	Populations int // whose numbers are below this

	// Scored tells the panes that count: where users are sent during a pane is what the ticks of all panes before it
	// decided. Pane 0 never counts (nothing is decided yet), pane Panes is the state at the end.
	Scored func(pane int) bool
	// ByMean takes gain and harm against each population's mean over pane 0 and the scored panes, since what Truth says of
	// one pane is but a measurement. The truth of each pane is then a second figure.
	ByMean bool

	Outages  []Outage
	Attacked []int // resolvers that some clients lie about, ascending
	Honest   World // the same world without lies, nil where there are none; its Runs are asked in step with the world's
}

// Resolver is a recursive resolver and the users behind it.
type Resolver struct {
	Address netip.Addr
	Shares  []Share
}

// Share is the part of a population that is behind one resolver, which a client's country and AS tell apart.
type Share struct {
	Population int
	Country    sample.Country
	ASN        uint32
	Weight     float64 // share of all users
}

// Run is what one client measured moments apart.
type Run struct {
	Resolver int       // index in Layout.Resolvers
	Share    int       // index in its Shares
	Client   uint64    // the same for the same client, 0 = unknown. At most four runs of a client and pane count
	Pulses   [][]Pulse // by path, as in a report: paired by their place; none where a path was not measured
}

// Pulse is one timed request.
type Pulse struct {
	Class   sample.Class   // Unknown where the report does not say, as of one that failed
	Outcome sample.Outcome // OK has Micros
	Micros  uint32         // > 0 where OK
}

// Cap is how often the default path's typical value a request counts at most: what takes longer has failed its user
// anyhow, and one such value must not stand for all others.
const Cap = 16

// Truth is what clients expect of a path. Each request counts at most Cap times the default path's typical value.
type Truth struct {
	New, Reused float64 // ms: the mean of successful requests on a new and on a reused connection, or as if they succeeded
	Fails       float64 // share of requests that fail
}

// Outage is a time in which a path is dead for some.
type Outage struct {
	Populations []int // ascending
	Path        int   // LastMile = every path
	From, To    int   // panes: it begins in From, and To is the first one without it
}

// LastMile is the Path of an outage that no path leads around.
const LastMile = -1
