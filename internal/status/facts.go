// Package status says from what was found of a pipeline how it is: every stage, how far it came, what is wrong with it and
// what to do. It is pure: whoever has the facts (cmd/detour asks the log, the coordinators and the servers for them) gets
// the same report, and the same screen, from them. It reads no clock.
package status

// Facts is what was found. A nil pointer, or a group that is not in the map, was not learned: Unknown says why. Times are
// in ms since the Unix epoch.
type Facts struct {
	Now      int64 // what event time is compared with
	Wall     int64 // what the times of appends are compared with: this machine's clock
	Settings Settings

	Brokers   string // the addresses that were asked
	KafkaDown string // why none answered; "" = one did
	Begun     bool   // the log has a genesis

	Groups  map[string]Group // by stage
	Ingest  []Source         // nil = not learned
	Panes   []Partition      // nil = not learned
	Paths   []Path           // by index in the catalogue, over the panes in Panes
	Decided *Decided
	Maps    *Maps
	Policy  string // hash; "" = not learned
	Rejects *Rejects
	Fleet   *Fleet
	DNS     []DNS
	History *History // nil = the configuration does without
	Unknown []Unknown
}

// Settings is what the facts are measured by.
type Settings struct {
	Pane      int64 // ms
	Lateness  int64 // ms
	Heartbeat int64 // ms; 0 = sources tell no time of their own
	Renew     int64 // panes after which an unchanged map is published again; 0 = not learned
}

// Group is who is in a stage's consumer group.
type Group struct {
	Hosts  []string // of its members, one each
	Active int      // of these, those that hold a partition
}

// Source is a partition of the reports topic, as ingest stands in it.
type Source struct {
	Number  int32
	Waiting int64 // records behind what is committed; -1 = not learned
	Heard   bool  // it has a mark
	Mark    int64
}

// Partition is a partition of samples and windows, as aggregate stands in it.
type Partition struct {
	Number     int32
	Sealed     int64 // end of the newest sealed pane; 0 = none
	Watermark  int64 // 0 = not every source was heard
	Waits      []int // the sources that its panes wait for first
	Ahead      int64 // the mark of the source that is furthest; 0 = none was heard
	Looked     int   // how many of its last panes were looked at
	Incomplete int   // of these, how many miss something
	Lost       int64 // offsets of reports that these know to be lost
}

// Path is what clients met on a path.
type Path struct {
	ID                string
	Samples, Failures int64
}

// Decided is the end of decisions.
type Decided struct {
	Ticks []Tick // the last ones, ascending
}

// Tick is one step of decide.
type Tick struct {
	Number     int64
	Reached    int64 // end of its pane
	Samples    int64
	Moved      int64 // resolvers whose path it changed
	Incomplete bool
}

// Maps is the end of maps.
type Maps struct {
	Last *Version // nil = nothing was published yet
}

// Version is a published map.
type Version struct {
	Number     int64
	Digest     string
	Entries    int
	Created    int64
	Expires    int64
	Appended   int64
	Tick       int64
	Incomplete bool
}

// Rejects is what was refused within the last hour.
type Rejects struct {
	Hour    int64            // how many
	Looked  int64            // how many of them were looked at
	Reasons map[string]int64 // of those
	Last    string           // where the last one was read, and what is wrong with it
	Reports int64            // records of the reports topic within that hour; -1 = not learned
}

// Fleet is the answer of the fleet API.
type Fleet struct {
	URL     string
	Version int64  // 0 = it serves none
	Down    string // why it did not answer
}

// DNS is the answer of a DNS server.
type DNS struct {
	Addr   string
	Serial int64  // of the zone: the version that it answers from, modulo 2^32
	Down   string // why it did not answer
}

// History is how far ClickHouse is.
type History struct {
	Addr    string
	Down    string // why it did not answer
	Version int64
	Sealed  map[int32]int64 // by windows partition: end of the last pane stored
	Waiting int64           // records of windows, decisions and maps behind what is committed; -1 = not learned
}

// Unknown is something that could not be learned.
type Unknown struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// The stages, in the order of the flow, and who takes what they publish.
const (
	Ingest      = "ingest"
	Aggregate   = "aggregate"
	Decide      = "decide"
	Publish     = "publish"
	HistoryName = "history"
	FleetName   = "fleet"
	DNSName     = "dns"
)
